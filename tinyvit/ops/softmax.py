"""Softmax: a row of scores becomes a row of positive shares that add up to one.

    y_i = exp(x_i) / Σ_j exp(x_j)

Adding the same number to a whole row changes nothing, so where exp could overflow, or all of a row underflow, the row's
maximum is taken off first.
Source: Bridle 1990; Goodfellow, Bengio, Courville 2016, "Deep Learning", section 4.1.
"""

import math
from typing import NamedTuple

from ..backend import Array, array_module, is_host, largest, row_max, row_sum
from ..errors import UserError
from .floats import takes_floats, takes_gradients


class SoftmaxSaved(NamedTuple):
    """The output is enough: the scores are not needed to go back."""

    y: Array  # (..., N)


@takes_floats
def softmax_forward(x: Array) -> tuple[Array, SoftmaxSaved]:
    """(..., N) -> (..., N), rows over the last axis.

    Raises:
        UserError: the rows are empty: there is nothing that could add up to one.
    """
    if not x.shape[-1]:
        raise UserError(f"softmax needs at least one score in each row, got {x.shape}: leave out what is empty")
    rows = x.reshape(-1, x.shape[-1])  # (R, N), all leading axes as one
    y = rows - exp_offset(rows)
    array_module(x).exp(y, out=y)
    y /= row_sum(y)
    y = y.reshape(x.shape)
    return y, SoftmaxSaved(y)


@takes_gradients
def softmax_backward(dy: Array, saved: SoftmaxSaved) -> Array:
    """(..., N) -> (..., N).

    ∂y_j/∂x_i = y_j ([i = j] - y_i), where [i = j] is 1 if i is j and 0 if not, so
    dx_i = Σ_j dy_j y_j ([i = j] - y_i) = y_i (dy_i - Σ_j dy_j y_j).
    Each score is told how much more than the row's average its share costs.
    """
    y = saved.y.reshape(-1, saved.y.shape[-1])  # (R, N)
    dx = dy.reshape(y.shape) * y
    average = row_sum(dx)  # (R, 1)
    dx -= y * average
    return dx.reshape(dy.shape)


def exp_offset(rows: Array) -> Array | float:
    """Offset of (R, N) scores before exp: each row's maximum (R, 1), or 0.0 where no score is large.

    Scores of attention are small as a rule, and to look for the maximum of every row costs as much as the rest of
    softmax. One look at them all is nearly free; on a GPU it would be a wait.
    """
    if not is_host(rows):
        return row_max(rows)
    harmless = math.log(largest(rows)) / 2  # of what exp can take, half is left for the sum
    return (
        0.0 if -harmless < rows.min(initial=0.0) and rows.max(initial=0.0) < harmless else row_max(rows)
    )  # initial: no rows at all
