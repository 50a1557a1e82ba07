"""Softmax: a row of scores becomes a row of positive shares that add up to one.

    y_i = exp(x_i) / Σ_j exp(x_j)

Adding the same number to a whole row changes nothing, so the row's maximum is taken off first: exp cannot overflow.
Source: Bridle 1990; Goodfellow, Bengio, Courville 2016, "Deep Learning", section 4.1.
"""

from typing import NamedTuple

from ..backend import Array, array_module
from .sums import row_max, row_sum


class SoftmaxSaved(NamedTuple):
    """The output is enough: the scores are not needed to go back."""

    y: Array  # (..., N)


def softmax_forward(x: Array) -> tuple[Array, SoftmaxSaved]:
    """(..., N) -> (..., N), rows over the last axis."""
    rows = x.reshape(-1, x.shape[-1])  # (R, N), all leading axes as one
    y = rows - row_max(rows)
    array_module(x).exp(y, out=y)
    y /= row_sum(y)
    y = y.reshape(x.shape)
    return y, SoftmaxSaved(y)


def softmax_backward(dy: Array, saved: SoftmaxSaved) -> Array:
    """(..., N) -> (..., N).

    ∂y_j/∂x_i = y_j ([i = j] - y_i), so
    dx_i = Σ_j dy_j y_j ([i = j] - y_i) = y_i (dy_i - Σ_j dy_j y_j).
    Each score is told how much better than the row's average its share was.
    """
    y = saved.y.reshape(-1, saved.y.shape[-1])  # (R, N)
    dx = dy.reshape(y.shape) * y
    average = row_sum(dx)  # (R, 1)
    dx -= y * average
    return dx.reshape(dy.shape)
