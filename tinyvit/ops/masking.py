"""Some of the tokens: taken out of the row, and put back where they were, with one learned token in all other places.

Both only copy. So the backward of taking out is putting back, into zeros, and that of putting back is taking out; the
learned token stands in many places, and its gradient is the sum over all of them.

Source: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377, section 3.
"""

from typing import NamedTuple

from ..backend import Array, array_module, column_sum, is_host
from ..errors import UserError
from .floats import check_array, check_shape, takes_floats, takes_gradients


class GatherTokensSaved(NamedTuple):
    ids: Array  # (B, V)
    num_tokens: int  # N


class ScatterTokensSaved(NamedTuple):
    ids: Array  # (B, V)


@takes_floats
def gather_tokens_forward(x: Array, *, ids: Array) -> tuple[Array, GatherTokensSaved]:
    """(B, N, D) -> (B, V, D), token ids[b, v] of image b in place v.

    Args:
        ids: integers (B, V), each at most once in a row.

    Raises:
        UserError: `ids` are others.
    """
    check_shape("x", x, ("B", "N", "D"))
    _check_ids(ids, len(x), x.shape[1])
    return x[_rows(ids), ids], GatherTokensSaved(ids, x.shape[1])


@takes_gradients
def gather_tokens_backward(dy: Array, saved: GatherTokensSaved) -> Array:
    """(B, V, D) -> (B, N, D), zero where nothing was taken."""
    B, _, D = dy.shape
    dx = array_module(dy).zeros((B, saved.num_tokens, D), dy.dtype)
    dx[_rows(saved.ids), saved.ids] = dy  # no place is met twice, so nothing has to be added up
    return dx


@takes_floats
def scatter_tokens_forward(
    x: Array, mask_token: Array, *, ids: Array, num_tokens: int
) -> tuple[Array, ScatterTokensSaved]:
    """(B, V, D), (1, 1, D) -> (B, N, D): x[b, v] in place ids[b, v] of image b, the mask token in the other places.

    Args:
        ids: integers (B, V), each at most once in a row.
        num_tokens: N.

    Raises:
        UserError: the shapes or `ids` are others.
    """
    check_shape("x", x, ("B", "V", "D"))
    check_shape("mask_token", mask_token, (1, 1, x.shape[2]))
    _check_ids(ids, len(x), num_tokens)
    check_shape("ids", ids, x.shape[:2])
    y = array_module(x).empty((len(x), num_tokens, x.shape[2]), x.dtype)
    y[...] = mask_token
    y[_rows(ids), ids] = x
    return y, ScatterTokensSaved(ids)


@takes_gradients
def scatter_tokens_backward(dy: Array, saved: ScatterTokensSaved) -> tuple[Array, Array]:
    """(B, N, D) -> dx (B, V, D), dmask_token (1, 1, D), summed over all places where it stood."""
    places = _rows(saved.ids), saved.ids
    others = dy.copy()
    others[places] = 0
    return dy[places], column_sum(others.reshape(-1, dy.shape[2])).reshape(1, 1, -1)


def _rows(ids: Array) -> Array:
    """(B, 1): which image each row of ids is of."""
    return array_module(ids).arange(len(ids))[:, None]


def _check_ids(ids: Array, B: int, num_tokens: int) -> None:
    check_array("ids", ids)
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or len(ids) != B:
        raise UserError(f"ids must be integers of the shape ({B}, V), got {ids.dtype} {tuple(ids.shape)}: give others")
    if ids.size and is_host(ids):  # on a GPU, to look at them would make the host wait
        ordered = array_module(ids).sort(ids, axis=1)
        if ordered.min() < 0 or ordered.max() >= num_tokens or (ordered[:, 1:] == ordered[:, :-1]).any():
            raise UserError(f"ids must be different places from 0 to {num_tokens - 1} in each row: give others")
