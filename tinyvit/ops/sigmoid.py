"""Sigmoid: a score becomes the probability of yes, each on its own.

    y = σ(x) = 1 / (1 + exp(-x)),   σ(-x) = 1 - σ(x)

Where exp could overflow, the same fraction is taken with exp(-|x|), which is at most 1, above and below the line.
Source: Goodfellow, Bengio, Courville 2016, "Deep Learning", sections 3.10 and 6.2.2.2.
"""

from typing import NamedTuple

from ..backend import Array, array_module
from .floats import takes_floats, takes_gradients


class SigmoidSaved(NamedTuple):
    """The output is enough: the scores are not needed to go back."""

    y: Array  # (...)


@takes_floats
def sigmoid_forward(x: Array) -> tuple[Array, SigmoidSaved]:
    """(...) -> (...), from 0 to 1."""
    xp = array_module(x)
    small = xp.exp(-abs(x))
    y = xp.where(x >= 0, xp.ones_like(x), small)
    small += 1.0
    y /= small
    return y, SigmoidSaved(y)


@takes_gradients
def sigmoid_backward(dy: Array, saved: SigmoidSaved) -> Array:
    """(...) -> (...). The quotient rule: y' = exp(-x) / (1 + exp(-x))² = y (1 - y)."""
    dx = 1.0 - saved.y
    dx *= saved.y
    dx *= dy
    return dx
