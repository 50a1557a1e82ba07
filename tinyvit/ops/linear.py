"""A linear layer: every output is a weighted sum of all inputs, plus a bias.

    y = x @ weight + bias

With y[r, j] = Σ_i x[r, i] weight[i, j] + bias[j] for every row r, the chain rule reads off:
    dx[r, i]      = Σ_j dy[r, j] weight[i, j]        dx      = dy @ weight.T
    dweight[i, j] = Σ_r x[r, i] dy[r, j]             dweight = x.T @ dy
    dbias[j]      = Σ_r dy[r, j]                     dbias   = the sum of dy's rows
The rows share one weight, so their gradients add up: a number used in many places is pulled by all of them.
Source: Goodfellow, Bengio, Courville 2016, "Deep Learning", section 6.5.
"""

from typing import NamedTuple

from ..backend import Array, column_sum
from ..errors import UserError
from .floats import check_shape, takes_floats, takes_gradients


class LinearSaved(NamedTuple):
    """The bias is not needed: its gradient does not depend on its value."""

    x: Array  # (R, in), all leading axes as one
    weight: Array  # (in, out)
    has_bias: bool


@takes_floats
def linear_forward(x: Array, weight: Array, bias: Array | None = None) -> tuple[Array, LinearSaved]:
    """(..., in), (in, out), (out,) or None -> (..., out).

    Raises:
        UserError: `weight` has not two axes, `x`'s last is not its first, or the bias does not fit its second.
    """
    if weight.ndim != 2:  # asked for here, as the check itself takes microseconds
        check_shape("weight", weight, ("in", "out"))
    if bias is not None:
        check_shape("bias", bias, weight.shape[1:])
    if x.shape[-1] != weight.shape[0]:
        raise UserError(
            f"x has {x.shape[-1]} features in its last axis, but weight {weight.shape} takes {weight.shape[0]}: "
            "weight must be (in, out)"
        )
    # One product of two matrices: a stack of small products (B, N, in) @ (in, out) would be several times slower.
    x_rows = x.reshape(-1, weight.shape[0])
    y = x_rows @ weight
    if bias is not None:
        y += bias
    return y.reshape(*x.shape[:-1], weight.shape[1]), LinearSaved(x_rows, weight, bias is not None)


@takes_gradients
def linear_backward(dy: Array, saved: LinearSaved) -> tuple[Array, Array, Array | None]:
    """(..., out) -> dx (..., in), dweight (in, out), dbias (out,) or None."""
    x, weight, has_bias = saved
    dy_rows = dy.reshape(-1, weight.shape[1])
    dbias = column_sum(dy_rows) if has_bias else None
    dweight = x.T @ dy_rows
    dx = (dy_rows @ weight.T).reshape(*dy.shape[:-1], weight.shape[0])
    return dx, dweight, dbias
