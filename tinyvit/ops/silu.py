"""SiLU, or swish: x times its own sigmoid, a smooth gate as GELU's, with the logistic curve for the normal one.

    y = x σ(x),   σ(x) = 1 / (1 + exp(-x))

Source: Elfwing, Uchibe, Doya 2018, arXiv:1702.03118, section 2; Ramachandran, Zoph, Le 2017, "Searching for Activation
Functions", arXiv:1710.05941.
"""

from typing import NamedTuple

from ..backend import Array, array_module
from .floats import takes_each_float, takes_gradients


class SiluSaved(NamedTuple):
    x: Array  # (...)
    gate: Array  # (...), σ(x)


@takes_each_float
def silu_forward(x: Array) -> tuple[Array, SiluSaved]:
    """(...) -> (...)."""
    gate = x * 0.5
    array_module(x).tanh(gate, out=gate)
    gate *= 0.5
    gate += 0.5  # σ(x) = (1 + tanh(x/2)) / 2, and no exp that could overflow
    return x * gate, SiluSaved(x, gate)


@takes_gradients
def silu_backward(dy: Array, saved: SiluSaved) -> Array:
    """(...) -> (...). The product rule: y' = σ + x σ', and with σ' = σ (1 - σ), y' = σ (1 + x (1 - σ))."""
    x, gate = saved
    dx = 1.0 - gate
    dx *= x
    dx += 1.0
    dx *= gate
    dx *= dy
    return dx
