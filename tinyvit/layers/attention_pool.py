"""Attention pooling: one learned query attends to all tokens, and an MLP with a residual follows.

    y = proj(attention(query of the latent, keys and values of the tokens)),   y = y + mlp(norm(y))

Source: Zhai et al. 2022, "Scaling Vision Transformers", arXiv:2106.04560, section 3.2 ("MAP head"); Lee et al. 2019,
"Set Transformer", arXiv:1810.00825. Names as in timm's AttentionPoolLatent.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..ops import (
    AttentionSaved,
    LayerNormSaved,
    LinearSaved,
    attention_backward,
    attention_forward,
    linear_backward,
    linear_forward,
)
from .init import truncated_normal
from .layer import Grads, Layer, prefixed
from .layer_norm import LayerNorm
from .linear import Linear
from .mlp import Mlp, MlpSaved


class AttentionPoolSaved(NamedTuple):
    q: LinearSaved
    kv: LinearSaved
    attention: AttentionSaved
    proj: LinearSaved
    norm: LayerNormSaved
    mlp: MlpSaved


class AttentionPool(Layer):
    """(B, N, D) -> (B, D).

    Args:
        num_prefix: tokens in front of the patches, which are not asked.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        hidden_dim: int,
        *,
        num_prefix: int = 0,
        gelu: str = "erf",
        layer_norm_eps: float = 1e-6,
        rng: np.random.Generator,
    ):
        self.num_heads, self.num_prefix = num_heads, num_prefix
        self.latent: Array = truncated_normal(rng, (1, 1, embed_dim))
        self.qkv = Linear(embed_dim, 3 * embed_dim, rng=rng)  # the latent's queries, the tokens' keys and values
        self.proj = Linear(embed_dim, embed_dim, rng=rng)
        self.norm = LayerNorm(embed_dim, eps=layer_norm_eps)
        self.mlp = Mlp(embed_dim, hidden_dim, gelu=gelu, rng=rng)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, AttentionPoolSaved]:
        x = x[:, self.num_prefix :]
        B, N, D = x.shape
        weight, bias = self.qkv.parameters().values()
        qkv = array_module(x).zeros((B, N, 3 * D), x.dtype)  # what asks, in the first token's place, is the latent
        qkv[:, :1, :D], q = linear_forward(self.latent, weight[:, :D], bias[:D])
        qkv[:, :, D:], kv = linear_forward(x, weight[:, D:], bias[D:])
        y, attention = attention_forward(qkv, num_heads=self.num_heads, num_queries=1)  # (B, 1, D)
        y, proj = self.proj.forward(y)
        branch, norm = self.norm.forward(y)
        branch, mlp = self.mlp.forward(branch)
        return (y + branch)[:, 0], AttentionPoolSaved(q, kv, attention, proj, norm, mlp)

    def backward(self, dy: Array, saved: AttentionPoolSaved) -> tuple[Array, Grads]:
        D = dy.shape[1]
        dy = dy[:, None]  # (B, D) -> (B, 1, D)
        dbranch, dmlp = self.mlp.backward(dy, saved.mlp)
        dbranch, dnorm = self.norm.backward(dbranch, saved.norm)
        dx, dproj = self.proj.backward(dy + dbranch, saved.proj)
        dqkv = attention_backward(dx, saved.attention)  # (B, N, 3D)
        dx, *dkv = linear_backward(dqkv[:, :, D:], saved.kv)
        dlatent, *dq = linear_backward(dqkv[:, :1, :D].sum(axis=0, keepdims=True), saved.q)
        xp = array_module(dy)
        dweight, dbias = (xp.concatenate(parts, axis=-1) for parts in zip(dq, dkv, strict=True))
        prefix = xp.zeros((len(dx), self.num_prefix, D), dx.dtype)
        grads = {"latent": dlatent, "qkv.weight": dweight, "qkv.bias": dbias} | prefixed("proj", dproj)
        return xp.concatenate([prefix, dx], axis=1), grads | prefixed("norm", dnorm) | prefixed("mlp", dmlp)
