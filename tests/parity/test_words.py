"""Words as tokens, and heads on the first tokens, against PyTorch's embedding and linear: values and gradients."""

import pytest
import torch
import torch.nn.functional as F

from tests.parity.test_ops import close
from tinyvit.gradcheck.cases import LAYERS


def torch_words(codes, p):
    B, C, _, T = codes.shape
    places = 128 * torch.arange(C).reshape(1, C, 1)
    rows = F.embedding(codes.reshape(B, C, T) + places, p["proj.weight"])
    return rows.sum(1)


COUNTERPARTS = {
    "WordEmbed": torch_words,
    "WordEmbed, letters": torch_words,
    "SequenceHead": lambda x, p: F.linear(x[:, :2], p["proj.weight"].T, p["proj.bias"]),
}


@pytest.mark.parametrize("name", COUNTERPARTS)
def test_values_and_gradients(name, precision, rng):
    dtype, tolerance = precision
    layer, inputs, options = LAYERS[name](rng)
    layer, x = layer.astype(dtype), (inputs | options)["x"]
    x = x.astype(dtype) if x.dtype.kind == "f" else x
    y, saved = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx, grads = layer.backward(dy, saved)
    parameters = {key: torch.tensor(array, requires_grad=True) for key, array in layer.parameters().items()}
    tensor = torch.tensor(x, requires_grad=x.dtype.kind == "f")
    torch_y = COUNTERPARTS[name](tensor, parameters)
    torch_y.backward(torch.tensor(dy))
    close(y, torch_y, tolerance, "y")
    if dx is not None:
        close(dx, tensor.grad, tolerance, "dx")
    for key, parameter in parameters.items():
        close(grads[key], parameter.grad, tolerance, key)
