"""Attention as nodes of a graph, forward beside backward; derivation: `tinyvit/ops/attention.py`."""

from typing import NamedTuple

from .graph import Graph, Value


class AttentionSaved(NamedTuple):
    q: Value  # (B, h, Q, d)
    k: Value  # (B, h, N, d)
    v: Value  # (B, h, N, d)
    weights: Value  # (B, h, Q, N)
    heads: tuple[int, int]  # h, d


def softmax_forward(g: Graph, x: Value) -> Value:
    """(..., N) -> (..., N), rows over the last axis."""
    return g("Softmax", x, axis=-1)


def softmax_backward(g: Graph, dy: Value, y: Value) -> Value:
    average = g.sum(g("Mul", dy, y), -1)
    return g("Mul", y, g("Sub", dy, average))


def attention_forward(
    g: Graph, qkv: Value, *, heads: tuple[int, int], num_queries: int | None = None
) -> tuple[Value, AttentionSaved]:
    """(B, N, 3D) -> (B, Q, D); Q = N, or the first `num_queries` tokens alone."""
    q, k, v = split_heads(g, qkv, heads, count=3)
    if num_queries is not None:
        q = g.slice(q, 0, num_queries, 2)
    return attend_forward(g, q, k, v, heads=heads)


def attention_backward(g: Graph, dy: Value, saved: AttentionSaved) -> tuple[Value, Value]:
    """(B, N, D) -> dqkv (B, N, 3D), and dweights (B, h, N, N) besides."""
    *dqkv, dweights = attend_backward(g, dy, saved)
    return join_heads(g, *dqkv, heads=saved.heads), dweights


def attend_forward(g: Graph, q: Value, k: Value, v: Value, *, heads: tuple[int, int]) -> tuple[Value, AttentionSaved]:
    """y = softmax(q kᵀ / √d) v of each head: (B, h, Q, d), twice (B, h, N, d) -> (B, Q, D)."""
    h, d = heads
    scores = g("Mul", g.widened(g("MatMul", q, g.transpose(k, 0, 1, 3, 2))), g.number(d**-0.5))
    weights = g.narrowed(softmax_forward(g, scores))  # (B, h, Q, N)
    y = g.reshape(g.transpose(g("MatMul", weights, v), 0, 2, 1, 3), 0, 0, h * d)
    return y, AttentionSaved(q, k, v, weights, heads)


def attend_backward(g: Graph, dy: Value, saved: AttentionSaved) -> tuple[Value, Value, Value, Value]:
    """(B, Q, D) -> dq, dk, dv and dweights: both factors of each product in turn."""
    q, k, v, weights, (h, d) = saved
    dy = g.transpose(g.reshape(dy, 0, 0, h, d), 0, 2, 1, 3)  # (B, h, Q, d)
    dv = g("MatMul", g.transpose(weights, 0, 1, 3, 2), dy)
    dweights = g("MatMul", dy, g.transpose(v, 0, 1, 3, 2))
    dscores = softmax_backward(g, g.widened(dweights), g.widened(weights))
    dscores = g.narrowed(g("Mul", dscores, g.number(d**-0.5)))
    dq = g("MatMul", dscores, k)
    dk = g("MatMul", g.transpose(dscores, 0, 1, 3, 2), q)
    return dq, dk, dv, dweights


def split_heads(g: Graph, x: Value, heads: tuple[int, int], *, count: int) -> list[Value]:
    """(B, N, count * D) -> `count` values (B, h, N, d)."""
    parts = g.transpose(g.reshape(x, 0, 0, count, *heads), 2, 0, 3, 1, 4)
    return [g("Gather", parts, g.index(part), axis=0) for part in range(count)]


def join_heads(g: Graph, *parts: Value, heads: tuple[int, int]) -> Value:
    """Values (B, h, N, d) -> (B, N, count * D), as `split_heads` found them."""
    h, d = heads
    stacked = g.concat(*(g("Unsqueeze", part, g.ints(0)) for part in parts), axis=0)  # (count, B, h, N, d)
    return g.reshape(g.transpose(stacked, 1, 3, 0, 2, 4), 0, 0, len(parts) * h * d)
