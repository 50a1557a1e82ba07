"""Pooling and heads as nodes of a graph, each forward beside its backward, as in `tinyvit/layers`."""

from typing import Any, NamedTuple

from ..config import ViTConfig
from ..layers import DistilledHead
from .attention import AttentionSaved, attend_backward, attend_forward, join_heads, split_heads
from .graph import Graph, Value
from .layers import backward, forward
from .ops import LayerNormSaved, linear_backward, linear_forward
from .tokens import (
    cls_mean_pool_backward,
    cls_mean_pool_forward,
    cls_pool_backward,
    cls_pool_forward,
    mean_pool_backward,
    mean_pool_forward,
)

KV_WEIGHT = "pool.kv.weight"  # the part of qkv that the tokens meet


def pool_forward(g: Graph, layer: Any, x: Value, config: ViTConfig, num_tokens: int) -> tuple[Value, Any]:
    """(B, N, D) -> (B, D) or (B, 2D); of the N tokens there may be only those in front that the pool reads."""
    T, D = config.num_prefix_tokens, config.embed_dim
    if config.pool == "map":
        return attention_pool_forward(g, layer, x, num_tokens=num_tokens)
    if config.pool == "mean":
        return mean_pool_forward(g, x, num_prefix=T, num_tokens=num_tokens), None
    if config.pool == "cls+mean":
        return cls_mean_pool_forward(g, x, num_prefix=T, num_tokens=num_tokens, embed_dim=D), None
    return cls_pool_forward(g, x, num_first=config.num_pooled // D, embed_dim=D), None


def pool_backward(g: Graph, layer: Any, dy: Value, saved: Any, config: ViTConfig) -> Value:
    """(B, D) or (B, 2D) -> (B, N, D), of all tokens."""
    T, N, D = config.num_prefix_tokens, config.num_tokens, config.embed_dim
    if config.pool == "map":
        return attention_pool_backward(g, layer, dy, saved)
    if config.pool == "mean":
        return mean_pool_backward(g, dy, num_prefix=T, num_tokens=N)
    if config.pool == "cls+mean":
        return cls_mean_pool_backward(g, dy, num_prefix=T, num_tokens=N, embed_dim=D)
    return cls_pool_backward(g, dy, num_first=config.num_pooled // D, embed_dim=D, num_tokens=N)


class AttentionPoolSaved(NamedTuple):
    attention: AttentionSaved
    norm: LayerNormSaved
    mlp: Any


def attention_pool_forward(g: Graph, pool: Any, x: Value, *, num_tokens: int) -> tuple[Value, AttentionPoolSaved]:
    """(B, N, D) -> (B, D): the latent asks, and since it is the same for every image, its query is a constant."""
    D = pool.latent.shape[-1]
    heads = h, d = pool.num_heads, D // pool.num_heads
    x = g.slice(x, pool.num_prefix, num_tokens, 1) if pool.num_prefix else x
    weight, bias = pool.qkv.weight, pool.qkv.bias
    query = (pool.latent @ weight[:, :D] + bias[:D]).reshape(1, h, 1, d)
    kv = linear_forward(g, x, g.named(weight[:, D:], KV_WEIGHT), g.named(bias[D:], "pool.kv.bias"))
    k, v = split_heads(g, kv, heads, count=2)
    y, attention = attend_forward(g, g.weight(query, "pool.query"), k, v, heads=heads)
    y = linear_forward(g, y, pool.proj.weight, pool.proj.bias)  # (B, 1, D)
    branch, norm = forward(g, pool.norm, y)
    branch, mlp = forward(g, pool.mlp, branch)
    return g.reshape(g("Add", y, branch), 0, D), AttentionPoolSaved(attention, norm, mlp)


def attention_pool_backward(g: Graph, pool: Any, dy: Value, saved: AttentionPoolSaved) -> Value:
    D = pool.latent.shape[-1]
    dy = g.reshape(dy, 0, 1, D)
    dbranch = backward(g, pool.mlp, dy, saved.mlp)
    dbranch = backward(g, pool.norm, dbranch, saved.norm)
    dx = linear_backward(g, g("Add", dy, dbranch), pool.proj.weight)
    _, dk, dv, _ = attend_backward(g, dx, saved.attention)
    dkv = join_heads(g, dk, dv, heads=saved.attention.heads)
    dx = linear_backward(g, dkv, g.named(pool.qkv.weight[:, D:], KV_WEIGHT))
    return g.pad(dx, (0, pool.num_prefix, 0), (0, 0, 0)) if pool.num_prefix else dx


def head_forward(g: Graph, head: Any, x: Value, embed_dim: int) -> Value:
    """(B, D) -> (B, K); of a distilled head (B, 2D) -> (B, K), the mean of what its two layers say."""
    if not isinstance(head, DistilledHead):
        return forward(g, head, x)[0]
    y_cls, _ = forward(g, head.cls, g.slice(x, 0, embed_dim, 1))
    y_dist, _ = forward(g, head.dist, g.slice(x, embed_dim, 2 * embed_dim, 1))
    return g("Mul", g("Add", y_cls, y_dist), g.weight(0.5, "half"))


def head_backward(g: Graph, head: Any, dy: Value) -> Value:
    if not isinstance(head, DistilledHead):
        return backward(g, head, dy, None)
    half = g("Mul", dy, g.weight(0.5, "half"))
    return g.concat(backward(g, head.cls, half, None), backward(g, head.dist, half, None), axis=1)
