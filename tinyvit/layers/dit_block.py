"""Transformer block of a diffusion transformer: what is known of the image steers both branches (adaLN-Zero).

    shift1, scale1, gate1, shift2, scale2, gate2 = ada(condition)
    x = x + gate1 * attn(modulate(norm(x), shift1, scale1))
    x = x + gate2 * mlp(modulate(norm(x), shift2, scale2))

`ada` starts at zero, so all gates do, and a fresh block changes nothing. Its gradients are zeros too, right or wrong:
check it with weights that are not fresh.

Source: Peebles, Xie 2023, "Scalable Diffusion Models with Transformers", arXiv:2212.09748, section 3.2.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..ops import (
    GateSaved,
    LayerNormSaved,
    LinearSaved,
    ModulateSaved,
    gate_backward,
    gate_forward,
    layer_norm_backward,
    layer_norm_forward,
    modulate_backward,
    modulate_forward,
)
from .attention import Attention
from .layer import Grads, Layer, prefixed
from .linear import Linear
from .mlp import Mlp


class AdaNormSaved(NamedTuple):
    norm: LayerNormSaved
    modulate: ModulateSaved


class DiTBranchSaved(NamedTuple):
    """One residual branch: adaptive norm, then attention or MLP, then the gate."""

    norm: AdaNormSaved
    body: Any  # AttentionLayerSaved or MlpSaved
    gate: GateSaved


class DiTBlockSaved(NamedTuple):
    ada: LinearSaved
    attn: DiTBranchSaved
    mlp: DiTBranchSaved


class DiTBlock(Layer):
    """tokens (B, N, D) and a condition (B, D) -> tokens (B, N, D)."""

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        hidden_dim: int,
        *,
        qkv_bias: bool = True,
        gelu: str = "tanh",
        layer_norm_eps: float = 1e-6,
        rng: np.random.Generator,
    ):
        self.eps = layer_norm_eps
        self.attn = Attention(embed_dim, num_heads, qkv_bias=qkv_bias, rng=rng)
        self.mlp = Mlp(embed_dim, hidden_dim, gelu=gelu, rng=rng)
        self.ada = zeros(Linear(embed_dim, 6 * embed_dim, rng=rng))

    def forward(self, x: Array, condition: Array, *, rng: Any = None) -> tuple[Array, DiTBlockSaved]:  # type: ignore[override]
        six, ada = self.ada.forward(condition)  # (B, D) -> (B, 6D)
        shift1, scale1, gate1, shift2, scale2, gate2 = chunks(six, 6)
        x, attn = self._branch_forward(x, self.attn, shift1, scale1, gate1)
        x, mlp = self._branch_forward(x, self.mlp, shift2, scale2, gate2)
        return x, DiTBlockSaved(ada, attn, mlp)

    def backward(self, dy: Array, saved: DiTBlockSaved) -> tuple[Array, Array, Grads]:  # type: ignore[override]
        """(B, N, D) -> dx (B, N, D), dcondition (B, D), and the gradient of every parameter."""
        dx, dsecond, dmlp = self._branch_backward(dy, self.mlp, saved.mlp)
        dx, dfirst, dattn = self._branch_backward(dx, self.attn, saved.attn)
        dsix = array_module(dy).concatenate([*dfirst, *dsecond], axis=1)
        dcondition, dada = self.ada.backward(dsix, saved.ada)
        return dx, dcondition, prefixed("attn", dattn) | prefixed("mlp", dmlp) | prefixed("ada", dada)

    def _branch_forward(
        self, x: Array, body: Layer, shift: Array, scale: Array, gate: Array
    ) -> tuple[Array, DiTBranchSaved]:
        branch, norm_saved = ada_norm_forward(x, shift, scale, eps=self.eps)
        branch, body_saved = body.forward(branch)
        branch, gate_saved = gate_forward(branch, gate)
        return x + branch, DiTBranchSaved(norm_saved, body_saved, gate_saved)

    def _branch_backward(
        self, dy: Array, body: Layer, saved: DiTBranchSaved
    ) -> tuple[Array, tuple[Array, Array, Array], Grads]:
        dbranch, dgate = gate_backward(dy, saved.gate)
        dbranch, dbody = body.backward(dbranch, saved.body)
        dx, dshift, dscale = ada_norm_backward(dbranch, saved.norm)
        dx += dy  # the gradient takes both paths
        return dx, (dshift, dscale, dgate), dbody


def ada_norm_forward(x: Array, shift: Array, scale: Array, *, eps: float = 1e-6) -> tuple[Array, AdaNormSaved]:
    """(B, N, D), (B, D), (B, D) -> (B, N, D): a layer norm whose weight, 1 + scale, and bias are each image's own."""
    xp, D = array_module(x), x.shape[-1]
    x, norm = layer_norm_forward(x, xp.ones(D, x.dtype), xp.zeros(D, x.dtype), eps=eps)
    y, modulate = modulate_forward(x, shift, scale)
    return y, AdaNormSaved(norm, modulate)


def ada_norm_backward(dy: Array, saved: AdaNormSaved) -> tuple[Array, Array, Array]:
    """(B, N, D) -> dx (B, N, D), dshift (B, D), dscale (B, D)."""
    dx, dshift, dscale = modulate_backward(dy, saved.modulate)
    dx, _, _ = layer_norm_backward(dx, saved.norm)  # its weight and bias are no parameters
    return dx, dshift, dscale


def chunks(vectors: Array, count: int) -> list[Array]:
    """(B, count * D) -> `count` arrays (B, D)."""
    D = vectors.shape[1] // count
    return [vectors[:, k * D : (k + 1) * D] for k in range(count)]


def zeros(linear: Linear) -> Linear:
    """The linear layer with a weight of zeros, as its bias is: at first it says nothing."""
    linear.weight[...] = 0.0
    return linear
