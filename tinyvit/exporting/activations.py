"""GELU in all its forms and SiLU as nodes of a graph, each forward beside its backward; derivations: `tinyvit/ops`."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..ops import OPS
from ..ops.gelu import QUICK_SCALE, TANH_CUBIC, TANH_SCALE
from .graph import Graph, Value

GELU_OPSET = 20  # since which there is one node for it


class GateSaved(NamedTuple):
    """Of GELU in all its forms and SiLU: y = x gate(x)."""

    x: Value
    gate: Value


def gelu_forward(g: Graph, x: Value) -> tuple[Value, Any]:
    if g.opset >= GELU_OPSET and not g.keeps:
        return g("Gelu", x), None
    x = g.widened(x)
    erf = g("Erf", g("Mul", x, g.number(math.sqrt(0.5))))
    return _gated(g, x, _half_of_one_plus(g, erf))


def gelu_backward(g: Graph, dy: Value, saved: GateSaved) -> Value:
    x, gate = saved
    bell = g("Exp", g("Mul", g("Mul", x, x), g.number(-0.5)))
    x_bell = g("Mul", g("Mul", x, bell), g.number(1 / math.sqrt(2 * math.pi)))
    return _times_slope(g, dy, g("Add", gate, x_bell))


def gelu_tanh_forward(g: Graph, x: Value) -> tuple[Value, Any]:
    if g.opset >= GELU_OPSET and not g.keeps:
        return g("Gelu", x, approximate="tanh"), None
    x = g.widened(x)
    factor = g("Add", g("Mul", g("Mul", x, x), g.number(TANH_CUBIC * TANH_SCALE)), g.number(TANH_SCALE))
    return _gated(g, x, _half_of_one_plus(g, g("Tanh", g("Mul", factor, x))))


def gelu_tanh_backward(g: Graph, dy: Value, saved: GateSaved) -> Value:
    x, gate = saved
    du2 = g("Add", g("Mul", g("Mul", x, x), g.number(6 * TANH_CUBIC * TANH_SCALE)), g.number(2 * TANH_SCALE))
    return _times_slope(g, dy, _logistic_slope(g, g("Mul", x, du2), gate))


def gelu_quick_forward(g: Graph, x: Value) -> tuple[Value, Any]:
    x = g.widened(x)
    return _gated(g, x, g("Sigmoid", g("Mul", x, g.number(QUICK_SCALE))))


def gelu_quick_backward(g: Graph, dy: Value, saved: GateSaved) -> Value:
    return _times_slope(g, dy, _logistic_slope(g, g("Mul", saved.x, g.number(QUICK_SCALE)), saved.gate))


def silu_forward(g: Graph, x: Value) -> tuple[Value, Any]:
    x = g.widened(x)
    return _gated(g, x, g("Sigmoid", x))


def silu_backward(g: Graph, dy: Value, saved: GateSaved) -> Value:
    return _times_slope(g, dy, _logistic_slope(g, saved.x, saved.gate))


def _half_of_one_plus(g: Graph, y: Value) -> Value:
    return g("Mul", g("Add", y, g.number(1.0)), g.number(0.5))


def _gated(g: Graph, x: Value, gate: Value) -> tuple[Value, GateSaved]:
    return g.narrowed(g("Mul", x, gate)), GateSaved(x, gate)


def _logistic_slope(g: Graph, u: Value, gate: Value) -> Value:
    """gate (1 + u (1 - gate)): the slope of x gate, where gate' = gate (1 - gate) u / x."""
    return g("Mul", gate, g("Add", g.number(1.0), g("Mul", u, g("Sub", g.number(1.0), gate))))


def _times_slope(g: Graph, dy: Value, slope: Value) -> Value:
    return g.narrowed(g("Mul", g.widened(dy), slope))


class Pair(NamedTuple):
    forward: Callable[[Graph, Value], tuple[Value, Any]]
    backward: Callable[[Graph, Value, Any], Value]


ACTIVATIONS = {
    OPS["gelu"]: Pair(gelu_forward, gelu_backward),
    OPS["gelu_tanh"]: Pair(gelu_tanh_forward, gelu_tanh_backward),
    OPS["gelu_quick"]: Pair(gelu_quick_forward, gelu_quick_backward),
    OPS["silu"]: Pair(silu_forward, silu_backward),
}
