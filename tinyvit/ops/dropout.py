"""Dropout and drop path: random features or branches are set to zero in training, so that none is relied on alone.

    y = x * keep_mask / (1 - drop_prob)

The division keeps the expected value as it was, so that nothing changes when no mask is drawn. The two differ in the
mask: dropout has one coin for each number (the shape of x), drop path one for each image (B, 1, 1).
The mask is an argument, so the op itself is deterministic, and linear.
Source: Srivastava et al. 2014, JMLR 15; Huang et al. 2016, "Deep Networks with Stochastic Depth", arXiv:1603.09382.
"""

from typing import NamedTuple

from ..backend import Array
from ..errors import UserError
from .floats import check_array, takes_floats, takes_gradients


class DropoutSaved(NamedTuple):
    scale: Array  # what x was multiplied by: 0 or 1 / (1 - drop_prob)


@takes_floats
def dropout_forward(x: Array, *, keep_mask: Array, drop_prob: float) -> tuple[Array, DropoutSaved]:
    """(...), mask (...) of 0 and 1 -> (...).

    Raises:
        UserError: the mask is no array or does not fit `x`, or `drop_prob` is not in 0..1, 1 excluded.
    """
    check_array("keep_mask", keep_mask)
    if keep_mask.ndim != x.ndim or any(k not in (1, n) for k, n in zip(keep_mask.shape, x.shape, strict=True)):
        raise UserError(f"keep_mask must have x's shape {x.shape}, or 1 for an axis, got {keep_mask.shape}: reshape it")
    if not 0 <= drop_prob < 1:
        raise UserError(f"drop_prob must be at least 0 and below 1, got {drop_prob}: choose a share, such as 0.1")
    scale = keep_mask.astype(x.dtype) / (1.0 - drop_prob)
    return x * scale, DropoutSaved(scale)


@takes_gradients
def dropout_backward(dy: Array, saved: DropoutSaved) -> Array:
    """(...) -> (...): what was multiplied on the way up is multiplied on the way down."""
    return dy * saved.scale


@takes_floats
def drop_path_forward(x: Array, *, keep_mask: Array, drop_prob: float) -> tuple[Array, DropoutSaved]:
    """(B, N, D), mask (B, 1, 1) of 0 and 1 -> (B, N, D)."""
    return dropout_forward(x, keep_mask=keep_mask, drop_prob=drop_prob)


@takes_gradients
def drop_path_backward(dy: Array, saved: DropoutSaved) -> Array:
    """(B, N, D) -> (B, N, D): an image whose branch was dropped sends nothing back into it."""
    return dropout_backward(dy, saved)
