"""Attention rollout: how much of each input token reaches each token of the last block, residuals counted in.

    rollout = R_last ... R_2 R_1,    R = (mean of the heads + I) with each row divided by its sum

The identity stands for the residual branch that carries every token past the attention unmixed. Nothing here knows of
a class: the map is the same whatever the answer.
Source: Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers", arXiv:2005.00928, section 3.
"""

from collections.abc import Sequence

from ..backend import Array, array_module


def attention_rollout(attention: Sequence[Array], rows: Array | None = None) -> Array:
    """The rollout of some blocks, first to last: all its rows, or a weighted sum of them.

    From the last block down, a sum of rows takes products of one row and a matrix (N² a block), where the whole takes
    products of matrices (N³).

    Args:
        attention: for each block, the attention weights (B, h, N, N); rows sum to 1.
        rows: (B, N), the share of each row, as `readers` gives it; None: each row by itself.

    Returns:
        (B, N) for a sum of rows, else (B, N, N); rows sum to 1, or to what `rows` sums to.
    """
    identity = array_module(attention[0]).eye(attention[0].shape[-1], dtype=attention[0].dtype)
    rollout = identity if rows is None else rows[:, None]  # (B, 1, N)
    for weights in reversed(attention):
        mixing = weights.mean(axis=1) + identity  # (B, N, N)
        mixing /= mixing.sum(axis=-1, keepdims=True)
        rollout = rollout @ mixing
    return rollout if rows is None else rollout[:, 0]
