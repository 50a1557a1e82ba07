"""The decoder of a masked autoencoder: tokens of the visible patches to the pixels of all patches.

    x = scatter(linear(x))       a learned mask token in the place of every patch that was hidden
    x = blocks(x + positions)
    patches = linear(norm(x))    without the prefix tokens

Source: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377, section 3.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..config import ViTConfig
from ..ops import LayerNormSaved, LinearSaved
from ..ops.masking import ScatterTokensSaved, scatter_tokens_backward, scatter_tokens_forward
from ..ops.positions import sincos2d
from ..ops.tokens import AddPositionSaved, add_position_backward, add_position_forward
from .block import Block, BlockSaved
from .init import spread_to, truncated_normal
from .layer import Grads, Layer, prefixed
from .layer_norm import LayerNorm
from .linear import Linear


class MAEDecoderSaved(NamedTuple):
    embed: LinearSaved
    scatter: ScatterTokensSaved
    position: AddPositionSaved
    blocks: list[BlockSaved]
    norm: LayerNormSaved
    pred: LinearSaved


class MAEDecoder(Layer):
    """(B, V, D), of the tokens `ids` (B, V) of an encoder -> (B, L, C*P*P), the pixels of all patches.

    Args:
        encoder: config of the encoder whose tokens come in; blocks have its mlp_ratio.
        embed_dim, depth, num_heads: of the decoder.
    """

    fixed: ClassVar[tuple[str, ...]] = ("positions",)

    def __init__(self, encoder: ViTConfig, *, embed_dim: int, depth: int, num_heads: int, rng: np.random.Generator):
        E, eps = embed_dim, encoder.layer_norm_eps
        self.num_tokens, self.num_prefix = encoder.num_tokens, encoder.num_prefix_tokens
        self.embed = Linear(encoder.embed_dim, E, rng=rng)
        self.mask_token: Array = truncated_normal(rng, (1, 1, E))
        self.positions: Array = sincos2d(E, encoder.grid_size, num_prefix=self.num_prefix)
        self.blocks = [
            Block(E, num_heads, int(E * encoder.mlp_ratio), layer_norm_eps=eps, gelu=encoder.gelu, rng=rng)
            for _ in range(depth)
        ]
        self.norm = LayerNorm(E, eps=eps)
        self.pred = Linear(E, encoder.in_chans * encoder.patch_size**2, rng=rng)
        spread_to(encoder.init_std, self.parameters())

    def forward(self, x: Array, *, ids: Array, rng: Any = None) -> tuple[Array, MAEDecoderSaved]:  # type: ignore[override]
        x, embed = self.embed.forward(x)  # (B, V, D) -> (B, V, E)
        x, scatter = scatter_tokens_forward(x, self.mask_token, ids=ids, num_tokens=self.num_tokens)  # -> (B, N, E)
        x, position = add_position_forward(x, self.positions.astype(x.dtype))
        blocks = []
        for block in self.blocks:
            x, saved = block.forward(x, rng=rng)
            blocks.append(saved)
        x, norm = self.norm.forward(x[:, self.num_prefix :])  # (B, N, E) -> (B, L, E)
        y, pred = self.pred.forward(x)  # -> (B, L, C*P*P)
        return y, MAEDecoderSaved(embed, scatter, position, blocks, norm, pred)

    def backward(self, dy: Array, saved: MAEDecoderSaved) -> tuple[Array, Grads]:
        dx, dpred = self.pred.backward(dy, saved.pred)
        dx, dnorm = self.norm.backward(dx, saved.norm)
        of_prefix = array_module(dx).zeros((len(dx), self.num_prefix, dx.shape[2]), dx.dtype)
        dx = array_module(dx).concatenate([of_prefix, dx], axis=1)  # the prefix tokens paint nothing
        dblocks: Grads = {}
        for index in reversed(range(len(self.blocks))):
            dx, grads = self.blocks[index].backward(dx, saved.blocks[index])
            dblocks |= prefixed(f"blocks.{index}", grads)
        dx, _ = add_position_backward(dx, saved.position)
        dx, dmask_token = scatter_tokens_backward(dx, saved.scatter)
        dx, dembed = self.embed.backward(dx, saved.embed)
        grads = prefixed("embed", dembed) | dblocks | prefixed("norm", dnorm) | prefixed("pred", dpred)
        return dx, {"mask_token": dmask_token} | grads
