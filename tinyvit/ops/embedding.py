"""Embedding: each number of a vocabulary has a learned row, and stands for it: classes, letters, words.

    y = weight[ids],   or, with onehot[r, v] = [ids[r] = v],   y = onehot @ weight

It is a linear layer for one-hot rows, without the products with its zeros.
Source: Bengio et al. 2003, "A Neural Probabilistic Language Model", JMLR 3, section 2 (the matrix C).
"""

from typing import NamedTuple

from ..backend import Array, array_module, is_host
from ..errors import UserError
from .floats import check_array, check_shape, takes_floats, takes_gradients


class EmbeddingSaved(NamedTuple):
    ids: Array  # (...)
    num_rows: int  # V


@takes_floats
def embedding_forward(weight: Array, *, ids: Array) -> tuple[Array, EmbeddingSaved]:
    """(V, D) -> (..., D), row ids[...] of the weight in each place.

    Args:
        ids: integers (...) from 0 to V - 1, in any shape; the same one may come many times.

    Raises:
        UserError: the weight is no matrix, or `ids` are others.
    """
    check_shape("weight", weight, ("V", "D"))
    check_array("ids", ids)
    if ids.dtype.kind not in "iu":
        raise UserError(f"ids must be integers, got {ids.dtype}: use ids.astype('int64')")
    V = len(weight)
    if ids.size and is_host(ids) and not (ids.min() >= 0 and ids.max() < V):  # on a GPU, a look would be a wait
        raise UserError(f"ids must lie in 0..{V - 1}, got {ids.min()}..{ids.max()}: give others, or a larger weight")
    return weight[ids], EmbeddingSaved(ids, V)


@takes_gradients
def embedding_backward(dy: Array, saved: EmbeddingSaved) -> Array:
    """(..., D) -> dweight (V, D).

    y = onehot @ weight, so dweight = onehotᵀ @ dy: a row that stands in many places is pulled by all of them, the sum
    of their dy, and `dweight[ids] = dy` would keep the last alone. A GPU takes that product: it waits for nothing, and
    adds in the same order every time. A CPU sorts the places by their ids and adds each run of equal ones up.
    """
    xp = array_module(dy)
    ids = saved.ids.reshape(-1)  # (R,)
    rows = dy.reshape(len(ids), dy.shape[-1])  # (R, D)
    if not is_host(dy):
        return (xp.arange(saved.num_rows)[:, None] == ids).astype(dy.dtype) @ rows
    order = ids.argsort(kind="stable")
    used, starts = xp.unique(ids[order], return_index=True)
    dweight = xp.zeros((saved.num_rows, rows.shape[1]), dy.dtype)
    dweight[used] = xp.add.reduceat(rows[order], starts, axis=0)
    return dweight
