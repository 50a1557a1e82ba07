"""Many tokens become one vector for the classifier: the class token's row, or the mean of the patches.

Source: Dosovitskiy et al. 2021, arXiv:2010.11929, equation 4 and appendix D.3 (the two do equally well).
"""

from typing import NamedTuple

from ..backend import Array, array_module


class PoolSaved(NamedTuple):
    shape: tuple[int, int, int]  # (B, N, D)
    num_prefix: int  # class token and registers in front of the patches


def cls_pool_forward(x: Array) -> tuple[Array, PoolSaved]:
    """(B, N, D) -> (B, D), the first row of each image; a copy, so that the other rows need not be kept alive."""
    return x[:, 0].copy(), PoolSaved(x.shape, 1)


def cls_pool_backward(dy: Array, saved: PoolSaved) -> Array:
    """(B, D) -> (B, N, D). The other tokens were not looked at: their gradient is zero."""
    dx = array_module(dy).zeros(saved.shape, dy.dtype)
    dx[:, 0] = dy
    return dx


def mean_pool_forward(x: Array, *, num_prefix: int) -> tuple[Array, PoolSaved]:
    """(B, N, D) -> (B, D), the mean of the rows behind the first `num_prefix`."""
    return x[:, num_prefix:].mean(axis=1), PoolSaved(x.shape, num_prefix)


def mean_pool_backward(dy: Array, saved: PoolSaved) -> Array:
    """(B, D) -> (B, N, D). Each of the n patches had a share of 1/n in the mean."""
    _, N, _ = saved.shape
    dx = array_module(dy).zeros(saved.shape, dy.dtype)
    dx[:, saved.num_prefix :] = (dy / (N - saved.num_prefix))[:, None]
    return dx
