"""Pooling: many tokens become one vector for the classifier: the class token, the mean of the patches, or both.

Source: Dosovitskiy et al. 2021, arXiv:2010.11929, equation 4 and appendix D.3 (the two do equally well); both of them
side by side: Oquab et al. 2024, "DINOv2", arXiv:2304.07193, section 7.1.
"""

from typing import NamedTuple

from ..backend import Array, array_module
from ..errors import UserError
from .floats import check_shape, takes_floats, takes_gradients


class PoolSaved(NamedTuple):
    shape: tuple[int, int, int]  # (B, N, D)
    num_first: int  # T, the tokens that `cls_pool` takes, or that `mean_pool` leaves out


@takes_floats
def cls_pool_forward(x: Array, *, num_tokens: int = 1) -> tuple[Array, PoolSaved]:
    """(B, N, D) -> (B, T*D), the first T = `num_tokens` rows of each image side by side: the class token's, and with
    T = 2 the distillation token's (DeiT). A copy, so that the other rows need not be kept alive.

    Raises:
        UserError: `x` has not three axes, or not so many tokens.
    """
    check_shape("x", x, ("B", "N", "D"))
    B, N, D = x.shape
    if not 1 <= num_tokens <= N:
        raise UserError(f"num_tokens must be between 1 and the {N} tokens there are, got {num_tokens}: choose another")
    return x[:, :num_tokens].copy().reshape(B, num_tokens * D), PoolSaved(x.shape, num_tokens)


@takes_gradients
def cls_pool_backward(dy: Array, saved: PoolSaved) -> Array:
    """(B, T*D) -> (B, N, D). The other tokens were not looked at: their gradient is zero."""
    B, _, D = saved.shape
    dx = array_module(dy).zeros(saved.shape, dy.dtype)
    dx[:, : saved.num_first] = dy.reshape(B, saved.num_first, D)
    return dx


@takes_floats
def mean_pool_forward(x: Array, *, num_prefix: int) -> tuple[Array, PoolSaved]:
    """(B, N, D) -> (B, D), the mean of the rows behind the first `num_prefix`.

    Raises:
        UserError: `x` has not three axes, or no token is left.
    """
    check_shape("x", x, ("B", "N", "D"))
    if not 0 <= num_prefix < x.shape[1]:
        raise UserError(f"num_prefix must be at least 0 and leave one of the {x.shape[1]} tokens, got {num_prefix}")
    return x[:, num_prefix:].mean(axis=1), PoolSaved(x.shape, num_prefix)


@takes_gradients
def mean_pool_backward(dy: Array, saved: PoolSaved) -> Array:
    """(B, D) -> (B, N, D). Each of the n = N - T patches had a share of 1/n in the mean."""
    _, N, _ = saved.shape
    dx = array_module(dy).zeros(saved.shape, dy.dtype)
    dx[:, saved.num_first :] = (dy / (N - saved.num_first))[:, None]
    return dx


@takes_floats
def cls_mean_pool_forward(x: Array, *, num_prefix: int) -> tuple[Array, PoolSaved]:
    """(B, N, D) -> (B, 2D), the first row and the mean of the rows behind the first `num_prefix`, side by side; errors
    as for `mean_pool_forward`.
    """
    mean, saved = mean_pool_forward(x, num_prefix=num_prefix)
    return array_module(x).concatenate([x[:, 0], mean], axis=1), saved


@takes_gradients
def cls_mean_pool_backward(dy: Array, saved: PoolSaved) -> Array:
    """(B, 2D) -> (B, N, D)."""
    D = saved.shape[2]
    dx = mean_pool_backward(dy[:, D:], saved)
    dx[:, 0] += dy[:, :D]  # a sum: without a prefix the first row is a patch, too
    return dx
