"""Tokens before the first block: extra tokens go in front, position embeddings are added.

Source: Dosovitskiy et al. 2021, arXiv:2010.11929, equation 1; registers: Darcet et al. 2024, arXiv:2309.16588.
"""

from typing import NamedTuple

from ..backend import Array, array_module, column_sum
from .floats import check_shape, takes_floats, takes_gradients


class PrependTokensSaved(NamedTuple):
    num_prefix: int  # T, how many tokens were put in front


@takes_floats
def prepend_tokens_forward(x: Array, tokens: Array) -> tuple[Array, PrependTokensSaved]:
    """(B, L, D), (1, T, D) -> (B, T + L, D): the same learned tokens before every image's patches.

    Raises:
        UserError: the shapes are others.
    """
    check_shape("x", x, ("B", "L", "D"))
    check_shape("tokens", tokens, (1, "T", x.shape[2]))
    xp = array_module(x)
    tokens = xp.broadcast_to(tokens, (x.shape[0], *tokens.shape[1:]))
    return xp.concatenate([tokens, x], axis=1), PrependTokensSaved(tokens.shape[1])


@takes_gradients
def prepend_tokens_backward(dy: Array, saved: PrependTokensSaved) -> tuple[Array, Array]:
    """(B, T + L, D) -> dx (B, L, D), dtokens (1, T, D), summed over the images that shared them."""
    T = saved.num_prefix
    return dy[:, T:], dy[:, :T].sum(axis=0, keepdims=True)  # of few tokens


class AddPositionSaved(NamedTuple):
    """A sum passes its gradient on to both terms: nothing to remember."""


@takes_floats
def add_position_forward(x: Array, pos_embed: Array) -> tuple[Array, AddPositionSaved]:
    """(B, N, D), (1, N, D) -> (B, N, D).

    Raises:
        UserError: the shapes are others.
    """
    check_shape("x", x, ("B", "N", "D"))
    check_shape("pos_embed", pos_embed, (1, *x.shape[1:]))
    return x + pos_embed, AddPositionSaved()


@takes_gradients
def add_position_backward(dy: Array, saved: AddPositionSaved) -> tuple[Array, Array]:
    """(B, N, D) -> dx (B, N, D), dpos_embed (1, N, D), summed over the images that shared it."""
    B, N, D = dy.shape
    return dy, column_sum(dy.reshape(B, N * D)).reshape(1, N, D)
