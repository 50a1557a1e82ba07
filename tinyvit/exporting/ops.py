"""Ops as nodes of a graph, each forward beside its backward, named and ordered as in `tinyvit/ops`, which derives them.

A backward makes dx alone: nothing learns here, and what is asked for are the gradients of pixels and attention. `saved`
holds names of values. Where no backward follows, a norm is one node, if the opset has one.
"""

from typing import Any, NamedTuple

from ..backend import Array
from .graph import Graph, Value

LAYER_NORM_OPSET = 17  # since which there is one node for it


def linear_forward(g: Graph, x: Value, weight: Array, bias: Array | None = None) -> Value:
    """(..., in) -> (..., out)."""
    y = g("MatMul", x, g.weight(weight))
    return y if bias is None else g("Add", y, g.weight(bias))


def linear_backward(g: Graph, dy: Value, weight: Array) -> Value:
    return g("MatMul", dy, g.transpose(g.weight(weight), 1, 0))


class LayerNormSaved(NamedTuple):
    x_hat: Value
    rstd: Value
    weight: Value


def layer_norm_forward(g: Graph, x: Value, weight: Array, bias: Array, *, eps: float) -> tuple[Value, Any]:
    """(..., D) -> (..., D)."""
    names = g.weight(weight), g.weight(bias)
    if g.opset >= LAYER_NORM_OPSET and not g.keeps:
        return g("LayerNormalization", x, *names, axis=-1, epsilon=eps), None
    x, scale, shift = (g.widened(value) for value in (x, *names))
    centred = g("Sub", x, g.mean(x, -1))
    variance = g.mean(g("Mul", centred, centred), -1)
    rstd = g("Reciprocal", g("Sqrt", g("Add", variance, g.number(eps))))
    x_hat = g("Mul", centred, rstd)
    y = g("Add", g("Mul", x_hat, scale), shift)
    return g.narrowed(y), LayerNormSaved(x_hat, rstd, scale)


def layer_norm_backward(g: Graph, dy: Value, saved: LayerNormSaved) -> Value:
    dx_hat = g("Mul", g.widened(dy), saved.weight)
    shift = g.mean(dx_hat, -1)
    stretch = g("Mul", saved.x_hat, g.mean(g("Mul", dx_hat, saved.x_hat), -1))
    dx = g("Mul", g("Sub", g("Sub", dx_hat, shift), stretch), saved.rstd)
    return g.narrowed(dx)


def layer_scale_forward(g: Graph, x: Value, gamma: Array) -> Value:
    return g("Mul", x, g.weight(gamma))


layer_scale_backward = layer_scale_forward  # dx = dy * gamma
