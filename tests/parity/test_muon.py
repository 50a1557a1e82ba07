"""Ten steps of Muon beside PyTorch's own, which rounds to bfloat16 on the way; here it is kept from that."""

import numpy as np
import pytest
import torch

from tinyvit.optim import Muon

SHAPES = {"blocks.0.attn.proj.weight": (6, 6), "blocks.0.mlp.fc1.weight": (6, 10), "blocks.0.mlp.fc2.weight": (10, 6)}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-5)])
def test_ten_steps_of_muon(dtype, tolerance, rng, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
    parameters = {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}
    twins = {name: torch.tensor(array.T.copy()) for name, array in parameters.items()}  # (out, in)
    optimizer = Muon(parameters, weight_decay=0.1)
    theirs = torch.optim.Muon(twins.values(), lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(10):
        grads = {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}
        for name, twin in twins.items():
            twin.grad = torch.tensor(grads[name].T.copy())
        optimizer.step(grads, lr=0.01)
        theirs.step()
    for name, twin in twins.items():
        np.testing.assert_allclose(parameters[name], twin.numpy().T, rtol=tolerance, atol=tolerance)
