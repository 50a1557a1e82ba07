"""Attention: every token asks every token a question; how well it fits their keys decides what their answers weigh.

    weights = softmax(q kᵀ / √d),   y = weights @ v,   for each of h heads by itself

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2, arXiv:1706.03762.
"""

from typing import NamedTuple

from ..backend import Array, array_module, matmul_into
from ..errors import UserError
from .floats import takes_floats, takes_gradients
from .softmax import SoftmaxSaved, softmax_backward, softmax_forward


class AttentionSaved(NamedTuple):
    qkv: Array  # (B, N, 3D), queries, keys and values side by side
    weights: Array  # (B, h, Q, N), row i: how much token i takes from each token


@takes_floats
def attention_forward(qkv: Array, *, num_heads: int, num_queries: int | None = None) -> tuple[Array, AttentionSaved]:
    """(B, N, 3D) -> (B, Q, D), D = h * d. The heads' outputs stand side by side in the last axis.

    All tokens answer, but only the first Q = `num_queries` ask: by default all N of them.

    Raises:
        UserError: `qkv` is not (B, N, 3 * num_heads * d), or `num_queries` is not between 1 and N.
    """
    if num_heads < 1 or qkv.ndim != 3 or qkv.shape[-1] % (3 * num_heads) or 0 in qkv.shape[1:]:
        raise UserError(
            f"qkv must be (B, N, 3 * num_heads * head_dim) none of them 0, got {qkv.shape} and "
            f"{num_heads} heads: reshape it, or choose another num_heads"
        )
    B, N, width = qkv.shape
    Q = N if num_queries is None else num_queries
    if not 1 <= Q <= N:
        raise UserError(f"num_queries must be between 1 and the {N} tokens there are, got {num_queries}")
    q, k, v = split_heads(qkv, num_heads)
    scores = q[:, :, :Q] @ k.swapaxes(-1, -2)  # (B, h, Q, N)
    scores *= q.shape[-1] ** -0.5
    weights, _ = softmax_forward(scores)
    y = array_module(qkv).empty((B, Q, width // 3), qkv.dtype)
    matmul_into(by_head(y, num_heads), weights, v)  # straight into its place in y
    return y, AttentionSaved(qkv, weights)


@takes_gradients
def attention_backward(dy: Array, saved: AttentionSaved) -> Array:
    """(B, Q, D) -> (B, N, 3D). The forward read bottom-up, both factors of each product in turn:

    y = weights @ v           dweights = dy @ vᵀ        dv = weightsᵀ @ dy
    weights = softmax(scores) dscores = softmax_backward(dweights)
    scores = q @ kᵀ / √d      dq = dscores @ k / √d     dk = dscoresᵀ @ q / √d
    """
    qkv, weights = saved
    _, num_heads, Q, _ = weights.shape
    q, k, v = split_heads(qkv, num_heads)
    dy = by_head(dy, num_heads)  # (B, h, Q, d)
    dqkv = array_module(qkv).empty(qkv.shape, qkv.dtype)
    dq, dk, dv = split_heads(dqkv, num_heads)  # views: what is written to them lands in dqkv
    matmul_into(dv, weights.swapaxes(-1, -2), dy)
    dscores = softmax_backward(dy @ v.swapaxes(-1, -2), SoftmaxSaved(weights))
    dscores *= q.shape[-1] ** -0.5
    matmul_into(dq[:, :, :Q], dscores, k)
    dq[:, :, Q:] = 0.0  # who did not ask
    matmul_into(dk, dscores.swapaxes(-1, -2), q[:, :, :Q])
    return dqkv


def split_heads(qkv: Array, num_heads: int) -> tuple[Array, Array, Array]:
    """(B, N, 3D) -> three views (B, h, N, d)."""
    B, N, width = qkv.shape
    q, k, v = qkv.reshape(B, N, 3, num_heads, width // (3 * num_heads)).transpose(2, 0, 3, 1, 4)
    return q, k, v


def by_head(x: Array, num_heads: int) -> Array:
    """(B, N, D) -> a view (B, h, N, d)."""
    B, N, D = x.shape
    return x.reshape(B, N, num_heads, D // num_heads).swapaxes(1, 2)
