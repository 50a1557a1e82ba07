"""Ops on rows of tokens as nodes of a graph, each forward beside its backward; see `tinyvit/ops/{tokens,pool}.py`."""

from ..backend import Array
from .graph import Graph, Value


def prepend_tokens_forward(g: Graph, x: Value, tokens: Array) -> Value:
    """(B, L, D), (1, T, D) -> (B, T + L, D)."""
    _, T, D = tokens.shape
    if not T:
        return x
    batch = g.slice(g("Shape", x), 0, 1, 0)
    front = g("Expand", g.weight(tokens, "prefix_tokens"), g.concat(batch, g.ints(T, D), axis=0))
    return g.concat(front, x, axis=1)


def prepend_tokens_backward(g: Graph, dy: Value, *, num_prefix: int, num_tokens: int) -> Value:
    """(B, N, D) -> (B, L, D)."""
    return g.slice(dy, num_prefix, num_tokens, 1) if num_prefix else dy


def gather_tokens_forward(g: Graph, x: Value, ids: Value, *, embed_dim: int) -> Value:
    """(B, N, D), (B, V) -> (B, V, D), token ids[b, v] of image b in place v."""
    return g("GatherElements", x, _for_features(g, ids, embed_dim), axis=1)


def scatter_tokens_forward(g: Graph, x: Value, mask_token: Array, ids: Value, *, num_tokens: int) -> Value:
    """(B, V, D), (1, 1, D), (B, V) -> (B, N, D): x[b, v] in place ids[b, v], the mask token in the other places."""
    D = mask_token.shape[2]
    batch = g.slice(g("Shape", x), 0, 1, 0)
    everywhere = g("Expand", g.weight(mask_token), g.concat(batch, g.ints(num_tokens, D), axis=0))
    return g("ScatterElements", everywhere, _for_features(g, ids, D), x, axis=1)


def _for_features(g: Graph, ids: Value, embed_dim: int) -> Value:
    """(B, V) -> (B, V, D): the same place for every feature of a token."""
    return g("Expand", g("Unsqueeze", ids, g.ints(2)), g.ints(1, 1, embed_dim))


def cls_pool_forward(g: Graph, x: Value, *, num_first: int, embed_dim: int) -> Value:
    """(B, N, D) -> (B, T*D), the first T tokens side by side."""
    return g.reshape(g.slice(x, 0, num_first, 1), 0, num_first * embed_dim)


def cls_pool_backward(g: Graph, dy: Value, *, num_first: int, embed_dim: int, num_tokens: int) -> Value:
    """(B, T*D) -> (B, N, D), zero for the tokens that were not looked at."""
    return g.pad(g.reshape(dy, 0, num_first, embed_dim), (0, 0, 0), (0, num_tokens - num_first, 0))


def mean_pool_forward(g: Graph, x: Value, *, num_prefix: int, num_tokens: int) -> Value:
    """(B, N, D) -> (B, D), the mean of the patches."""
    return g.mean(g.slice(x, num_prefix, num_tokens, 1), 1, keepdims=False)


def mean_pool_backward(g: Graph, dy: Value, *, num_prefix: int, num_tokens: int) -> Value:
    """(B, D) -> (B, N, D), a share of 1/L for each patch."""
    L = num_tokens - num_prefix
    share = g("Mul", g("Unsqueeze", dy, g.ints(1)), g.weight(1 / L, f"share_{L}"))
    return g.pad(g("Expand", share, g.ints(1, L, 1)), (0, num_prefix, 0), (0, 0, 0))


def cls_mean_pool_forward(g: Graph, x: Value, *, num_prefix: int, num_tokens: int, embed_dim: int) -> Value:
    """(B, N, D) -> (B, 2D), the first token and the mean of the patches."""
    cls = cls_pool_forward(g, x, num_first=1, embed_dim=embed_dim)
    return g.concat(cls, mean_pool_forward(g, x, num_prefix=num_prefix, num_tokens=num_tokens), axis=1)


def cls_mean_pool_backward(g: Graph, dy: Value, *, num_prefix: int, num_tokens: int, embed_dim: int) -> Value:
    """(B, 2D) -> (B, N, D)."""
    D = embed_dim
    dcls = cls_pool_backward(g, g.slice(dy, 0, D, 1), num_first=1, embed_dim=D, num_tokens=num_tokens)
    dmean = mean_pool_backward(g, g.slice(dy, D, 2 * D, 1), num_prefix=num_prefix, num_tokens=num_tokens)
    return g("Add", dcls, dmean)
