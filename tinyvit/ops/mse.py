"""Mean squared error: how far outputs are from what they should be.

    loss = Σ_r w_r 1/D Σ_d (x[r, d] - target[r, d])²      over rows r with weights that add up to one

The square's derivative, row by row: dx[r, d] = dloss 2 w_r / D (x[r, d] - target[r, d]).
Source: Bishop 2006, "Pattern Recognition and Machine Learning", section 1.2.5 (least squares).
"""

from typing import Any, NamedTuple

from ..backend import Array
from .floats import check_array, check_floats, check_shape, rounded, widened


class MseSaved(NamedTuple):
    error: Array  # (..., D): x - target, all that the derivative looks at
    weights: Array | float  # (..., 1), or one number for all rows
    dtype: Any  # of x


def mse_forward(x: Array, *, target: Array, weights: Array | None = None) -> tuple[Array, MseSaved]:
    """(..., D) -> the mean squared error (0-d).

    Args:
        target: (..., D), as `x`.
        weights: (...), of the rows, adding up to one; None where all count alike. A row of weight 0 is ignored.

    Raises:
        UserError: the shapes are others.
    """
    check_floats("x", x)
    check_array("target", target)
    check_shape("target", target, x.shape)
    dtype, x = x.dtype, widened(x)
    error = x - target.astype(x.dtype)
    row_weights: Array | float = x.shape[-1] / max(1, x.size)
    if weights is not None:
        check_floats("weights", weights)
        check_shape("weights", weights, x.shape[:-1])
        row_weights = weights.astype(x.dtype)[..., None]
    loss = (row_weights * error * error).sum() / x.shape[-1]
    return rounded(loss, dtype), MseSaved(error, row_weights, dtype)


def mse_backward(dloss: Array | float, saved: MseSaved) -> Array:
    """0-d -> (..., D)."""
    error, weights, dtype = saved
    return rounded(widened(dloss) * (2.0 / error.shape[-1]) * (weights * error), dtype)
