"""Heads against the same few lines of PyTorch: values, and all gradients under a random upstream gradient."""

import pytest
import torch
import torch.nn.functional as F

from tests.parity.test_ops import close
from tinyvit.gradcheck.cases import LAYERS


def torch_dense(x, p, prefix, name=""):
    return F.linear(x[:, prefix:], p[f"{name}weight"].T, p[f"{name}bias"])


def torch_boxes(x, p, *, grid, size, prefix):
    y, x_of = torch.meshgrid(*(size * (torch.arange(n, dtype=x.dtype) + 0.5) for n in grid), indexing="ij")
    middles = torch.stack([x_of, y], -1).reshape(-1, 2)
    reach = size * torch_dense(x, p, prefix, "sides.").exp()
    corners = torch.cat([middles - reach[..., :2], middles + reach[..., 2:]], -1)
    return torch.cat([torch_dense(x, p, prefix, "scores."), corners], -1)


COUNTERPARTS = {
    "DenseHead": lambda x, p: torch_dense(x, p, 2),
    "BoxHead": lambda x, p: torch_boxes(x, p, grid=(2, 3), size=2, prefix=1),
}


@pytest.mark.parametrize("name", COUNTERPARTS)
def test_values_and_gradients(name, precision, rng):
    dtype, tolerance = precision
    layer, inputs, _ = LAYERS[name](rng)
    layer, x = layer.astype(dtype), inputs["x"].astype(dtype)
    y, saved = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx, grads = layer.backward(dy, saved)
    parameters = {key: torch.tensor(array, requires_grad=True) for key, array in layer.parameters().items()}
    tensor = torch.tensor(x, requires_grad=True)
    torch_y = COUNTERPARTS[name](tensor, parameters)
    torch_y.backward(torch.tensor(dy))
    close(y, torch_y, tolerance, "y")
    close(dx, tensor.grad, tolerance, "dx")
    for key, parameter in parameters.items():
        close(grads[key], parameter.grad, tolerance, key)
