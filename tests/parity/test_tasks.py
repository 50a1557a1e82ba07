"""Tasks against PyTorch, with copied weights and the very batches of a run: ten steps of training, every gradient."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.parity.test_model import close
from tinyvit.backend import generator
from tinyvit.bench.torch_tasks import TWINS, torch_layout, torch_task
from tinyvit.config import ViTConfig
from tinyvit.config.tasks import CONFIGS
from tinyvit.datasets import Dataset, Split
from tinyvit.optim import AdamW
from tinyvit.tasks import task_of

B = 8
ENCODER = ViTConfig(img_size=(12, 8), patch_size=4, in_chans=2, num_classes=0, embed_dim=16, depth=2, num_heads=2, pool="mean", num_registers=1, init_std=0.2)  # fmt: skip
CHANGES = {  # of the default recipes, which are tried, too
    "mae": {"model": ENCODER, "decoder_embed_dim": 8, "decoder_depth": 2, "decoder_num_heads": 2, "mask_ratio": 0.5},
    "segment": {"model": dataclasses.replace(ENCODER, num_classes=11, img_size=(24, 32), in_chans=1, gelu="tanh")},
    "generate": {"model": dataclasses.replace(ENCODER, num_classes=10, num_registers=0), "judge": "none"},
}
CASES = [(task, changes) for task in TWINS for changes in ({}, CHANGES[task])]


def images_for(config):
    shape = (1, 28, 28) if config.task == "segment" else config.model.input_shape
    rng = np.random.default_rng(0)
    splits = [Split(rng.integers(0, 256, (40, *shape), dtype=np.uint8), rng.integers(0, 10, 40)) for _ in range(3)]
    return Dataset("toy", tuple("0123456789"), 0.4, 0.3, *splits)


@pytest.mark.parametrize(("name", "changes"), CASES, ids=[f"{name}, {'own' if c else 'default'}" for name, c in CASES])
def test_ten_steps_have_the_same_losses(name, changes, precision):
    dtype, tolerance = precision
    config = CONFIGS[name](**changes)
    task, dataset = task_of(config), images_for(config)
    model = task.build(config, np.random.default_rng(1)).astype(dtype)
    rng = np.random.default_rng(2)
    for array in model.parameters().values():  # away from zeros
        array += 0.05 * rng.standard_normal(array.shape).astype(dtype)
    twin = torch_task(config, model)
    ours = AdamW(model.parameters(), weight_decay=0.0)
    theirs = torch.optim.AdamW(twin.parameters(), lr=1e-3, weight_decay=0.0)
    for step in range(10):
        chosen = generator(0, "chosen", step).permutation(40)[:B]
        batch = task.batch(config, dataset, chosen, generator(0, "step", step))
        batch = [x.astype(dtype) if x.dtype.kind == "f" else x for x in batch]
        loss, grads = task.loss_and_gradients(config, model, batch)
        torch_loss = twin(*map(torch.from_numpy, batch))
        theirs.zero_grad()
        torch_loss.backward()
        close(loss, torch_loss, tolerance, f"loss of step {step}")
        if not step:
            prefix = "model." if name == "generate" else ""
            their_grads = {key.removeprefix(prefix): p.grad for key, p in twin.named_parameters()}
            assert their_grads.keys() == grads.keys()
            for key, grad in grads.items():
                close(torch_layout(key, grad, config), their_grads[key], tolerance, key)
        ours.step(grads, lr=1e-3)
        theirs.step()
