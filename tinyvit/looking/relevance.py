"""Gradient-weighted relevance: rollout that counts only the attention that raises the logit of the chosen class.

    R = (I + A_last) ... (I + A_first) - I,    A = mean over the heads of max(0, weights * dweights)

A weight counts where the token attends (weights) and where attending more would help the class (dweights).
Source: Chefer, Gur, Wolf 2021, "Generic Attention-model Explainability", arXiv:2103.15679, equations 5 and 6.
"""

from collections.abc import Sequence

from ..backend import Array, array_module


def attention_relevance(attention: Sequence[Array], dattention: Sequence[Array], rows: Array) -> Array:
    """Relevance of every token for the logit, (B, N), of float values of at least 0; all 0 where there is no block.

    Args:
        attention: for each block, first to last, the attention weights (B, h, N, N).
        dattention: the gradient of the logit with respect to them, as `Look.backward` gives it.
        rows: (B, N), the share with which the head reads each token, see `readers`.
    """
    return relevance_by_block(attention, dattention, rows)[0] if attention else array_module(rows).zeros_like(rows)


def relevance_by_block(attention: Sequence[Array], dattention: Sequence[Array], rows: Array) -> Array:
    """`attention_relevance` begun at each block in turn, (depth, B, N): the first entry is that of the whole model.

    The weights of early blocks can drown the others', so those that begin later are other maps worth looking at. One
    pass from the last block to the first meets all of them.
    """
    relevance = rows[:, None]  # (B, 1, N): a row, taken through the blocks from the last to the first
    maps = []
    for weights, dweights in zip(reversed(attention), reversed(dattention), strict=True):
        helpful = array_module(rows).maximum(weights * dweights, 0.0).mean(axis=1)  # (B, N, N)
        relevance = relevance + relevance @ helpful
        maps.append(relevance[:, 0] - rows)
    return array_module(rows).stack(maps[::-1])
