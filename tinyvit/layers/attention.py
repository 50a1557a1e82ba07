"""Multi-head self-attention: one product makes all queries, keys and values, one product mixes the heads' outputs."""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array
from ..ops import AttentionSaved, LinearSaved, attention_backward, attention_forward
from .layer import Grads, Layer, prefixed
from .linear import Linear


class AttentionLayerSaved(NamedTuple):
    qkv: LinearSaved
    attention: AttentionSaved  # its `weights` are the attention maps (B, h, Q, N)
    proj: LinearSaved


class Attention(Layer):
    """(B, N, D) -> (B, N, D), or (B, Q, D) where only the first Q = `num_queries` tokens ask."""

    def __init__(self, embed_dim: int, num_heads: int, *, qkv_bias: bool = True, rng: np.random.Generator):
        self.num_heads = num_heads
        self.qkv = Linear(embed_dim, 3 * embed_dim, bias=qkv_bias, rng=rng)
        self.proj = Linear(embed_dim, embed_dim, rng=rng)

    def forward(
        self, x: Array, *, rng: Any = None, num_queries: int | None = None
    ) -> tuple[Array, AttentionLayerSaved]:
        x, qkv_saved = self.qkv.forward(x)  # (B, N, D) -> (B, N, 3D)
        x, attention_saved = attention_forward(x, num_heads=self.num_heads, num_queries=num_queries)  # -> (B, Q, D)
        x, proj_saved = self.proj.forward(x)
        return x, AttentionLayerSaved(qkv_saved, attention_saved, proj_saved)

    def backward(self, dy: Array, saved: AttentionLayerSaved) -> tuple[Array, Grads]:
        dx, dproj = self.proj.backward(dy, saved.proj)
        dx = attention_backward(dx, saved.attention)
        dx, dqkv = self.qkv.backward(dx, saved.qkv)
        return dx, prefixed("qkv", dqkv) | prefixed("proj", dproj)
