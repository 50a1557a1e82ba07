"""Transformer block, pre-norm: attention mixes tokens, then an MLP transforms each token by itself.

    x = x + drop_path(drop(ls1(attn(norm1(x)))))
    x = x + drop_path(drop(ls2(mlp(norm2(x)))))      (ls: layer scale, a learned gain of each feature, if there is any)

Source: Dosovitskiy et al. 2021, arXiv:2010.11929, equations 2 and 3.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array
from ..ops import DropoutSaved, LayerNormSaved, LayerScaleSaved
from .attention import Attention
from .dropout import Dropout, DropPath
from .layer import Grads, Identity, Layer, prefixed
from .layer_norm import LayerNorm
from .layer_scale import LayerScale
from .mlp import Mlp


class BranchSaved(NamedTuple):
    """One residual branch: norm, then attention or MLP, then what may weaken the result."""

    norm: LayerNormSaved
    body: Any  # AttentionLayerSaved or MlpSaved
    scale: LayerScaleSaved | None
    drop: DropoutSaved | None
    drop_path: DropoutSaved | None


class BlockSaved(NamedTuple):
    attn: BranchSaved
    mlp: BranchSaved

    @property
    def attention_weights(self) -> Array:
        """(B, h, Q, N): row i says how much token i took from each token."""
        return self.attn.body.attention.weights


class Block(Layer):
    """(B, N, D) -> (B, N, D), or (B, Q, D) where only the first Q = `num_queries` tokens are wanted."""

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        hidden_dim: int,
        *,
        qkv_bias: bool = True,
        gelu: str = "erf",
        layer_norm_eps: float = 1e-6,
        layer_scale: float | None = None,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        rng: np.random.Generator,
    ):
        def scale() -> Layer:
            return Identity() if layer_scale is None else LayerScale(embed_dim, init_value=layer_scale)

        self.norm1 = LayerNorm(embed_dim, eps=layer_norm_eps)
        self.attn = Attention(embed_dim, num_heads, qkv_bias=qkv_bias, rng=rng)
        self.ls1 = scale()
        self.norm2 = LayerNorm(embed_dim, eps=layer_norm_eps)
        self.mlp = Mlp(embed_dim, hidden_dim, gelu=gelu, rng=rng)
        self.ls2 = scale()
        self.drop: Layer = Dropout(drop_rate) if drop_rate else Identity()
        self.drop_path: Layer = DropPath(drop_path_rate) if drop_path_rate else Identity()

    def forward(self, x: Array, *, rng: Any = None, num_queries: int | None = None) -> tuple[Array, BlockSaved]:
        x, attn_saved = self._branch_forward(x, self.norm1, self.attn, self.ls1, rng, num_queries=num_queries)
        x, mlp_saved = self._branch_forward(x, self.norm2, self.mlp, self.ls2, rng)
        return x, BlockSaved(attn_saved, mlp_saved)

    def backward(self, dy: Array, saved: BlockSaved) -> tuple[Array, Grads]:
        dx, (dnorm2, dmlp, dls2) = self._branch_backward(dy, saved.mlp, self.norm2, self.mlp, self.ls2)
        dx, (dnorm1, dattn, dls1) = self._branch_backward(dx, saved.attn, self.norm1, self.attn, self.ls1)
        grads = prefixed("norm1", dnorm1) | prefixed("attn", dattn) | prefixed("ls1", dls1)
        grads |= prefixed("norm2", dnorm2) | prefixed("mlp", dmlp) | prefixed("ls2", dls2)
        return dx, grads

    def _branch_forward(
        self, x: Array, norm: LayerNorm, body: Layer, scale: Layer, rng: Any, **options: Any
    ) -> tuple[Array, BranchSaved]:
        branch, norm_saved = norm.forward(x)
        branch, body_saved = body.forward(branch, rng=rng, **options)
        branch, scale_saved = scale.forward(branch)
        branch, drop_saved = self.drop.forward(branch, rng=rng)
        branch, drop_path_saved = self.drop_path.forward(branch, rng=rng)
        saved = BranchSaved(norm_saved, body_saved, scale_saved, drop_saved, drop_path_saved)
        return x[:, : branch.shape[1]] + branch, saved  # of the Q tokens that asked; N as a rule

    def _branch_backward(
        self, dy: Array, saved: BranchSaved, norm: LayerNorm, body: Layer, scale: Layer
    ) -> tuple[Array, tuple[Grads, Grads, Grads]]:
        dbranch, _ = self.drop_path.backward(dy, saved.drop_path)
        dbranch, _ = self.drop.backward(dbranch, saved.drop)
        dbranch, dscale = scale.backward(dbranch, saved.scale)
        dbranch, dbody = body.backward(dbranch, saved.body)
        dx, dnorm = norm.backward(dbranch, saved.norm)
        dx[:, : dy.shape[1]] += dy  # the gradient takes both paths
        return dx, (dnorm, dbody, dscale)
