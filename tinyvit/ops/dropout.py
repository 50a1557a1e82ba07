"""Dropout and drop path: random parts are set to zero in training, so that nothing relies on one part alone.

    y = x * keep_mask / (1 - drop_prob)

The division keeps the expected value as it was, so that nothing changes when no mask is drawn. The two differ in the
mask: dropout has one coin for each number (the shape of x), drop path one for each image (B, 1, 1).
The mask is an argument, so the op itself is deterministic, and linear.
Source: Srivastava et al. 2014, JMLR 15; Huang et al. 2016, "Deep Networks with Stochastic Depth", arXiv:1603.09382.
"""

from typing import NamedTuple

from ..backend import Array


class DropoutSaved(NamedTuple):
    scale: Array  # what x was multiplied by: 0 or 1 / (1 - drop_prob)


def dropout_forward(x: Array, *, keep_mask: Array, drop_prob: float) -> tuple[Array, DropoutSaved]:
    """(...), mask (...) of 0 and 1 -> (...)."""
    scale = keep_mask.astype(x.dtype) / (1.0 - drop_prob)
    return x * scale, DropoutSaved(scale)


def dropout_backward(dy: Array, saved: DropoutSaved) -> Array:
    """(...) -> (...): what was multiplied on the way up is multiplied on the way down."""
    return dy * saved.scale


def drop_path_forward(x: Array, *, keep_mask: Array, drop_prob: float) -> tuple[Array, DropoutSaved]:
    """(B, N, D), mask (B, 1, 1) of 0 and 1 -> (B, N, D)."""
    return dropout_forward(x, keep_mask=keep_mask, drop_prob=drop_prob)


def drop_path_backward(dy: Array, saved: DropoutSaved) -> Array:
    """(B, N, D) -> (B, N, D): an image whose branch was dropped sends nothing back into it."""
    return dropout_backward(dy, saved)
