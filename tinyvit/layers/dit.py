"""The Diffusion Transformer (DiT): a noisy image, how noisy it is, and its class -> the image without noise.

    times -> sines and cosines -> mlp \
                                       + -> silu = condition (B, D), for every block
    labels -> embedding --------------/
    images (B,C,H,W) -patch_embed-> tokens -[DiTBlock] * depth-> ada norm -head-> patches -unpatchify-> images (B,C,H,W)

Source: Peebles, Xie 2023, arXiv:2212.09748; that it says the image, not the noise or the velocity: Li, He 2025, "Back
to Basics: Let Denoising Generative Models Denoise", arXiv:2511.13720.
"""

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..config import ViTConfig
from ..ops import (
    AddPositionSaved,
    EmbeddingSaved,
    LinearSaved,
    SiluSaved,
    UnpatchifySaved,
    add_position_backward,
    add_position_forward,
    embedding_backward,
    embedding_forward,
    silu_backward,
    silu_forward,
    sincos2d,
    unpatchify_backward,
    unpatchify_forward,
)
from ..ops.floats import check_array, check_shape
from .dit_block import (
    AdaNormSaved,
    DiTBlock,
    DiTBlockSaved,
    ada_norm_backward,
    ada_norm_forward,
    chunks,
    zeros,
)
from .init import spread_to, truncated_normal
from .layer import Grads, Layer, prefixed
from .linear import Linear
from .mlp import Mlp, MlpSaved
from .patch_embed import PatchEmbed, PatchEmbedSaved, check_images

TIME_SCALE = 1000.0  # a time from 0 to 1 in the steps that the papers count
MAX_PERIOD = 10000.0


class ConditionSaved(NamedTuple):
    time_embed: MlpSaved
    label_embed: EmbeddingSaved
    silu: SiluSaved


class DiTSaved(NamedTuple):
    patch_embed: PatchEmbedSaved
    position: AddPositionSaved
    condition: ConditionSaved
    blocks: list[DiTBlockSaved]
    ada: LinearSaved
    norm: AdaNormSaved
    head: LinearSaved
    unpatchify: UnpatchifySaved


class DiT(Layer):
    """Noisy images (B, C, H, W), times (B,), labels (B,) -> images (B, C, H, W).

    Of the config: img_size, patch_size, in_chans, num_classes, embed_dim, depth, num_heads, mlp_ratio, qkv_bias, gelu,
    layer_norm_eps, init_std. Label `num_classes` says that the class is not known (classifier-free guidance).
    """

    fixed: ClassVar[tuple[str, ...]] = ("sincos",)

    def __init__(self, config: ViTConfig, *, rng: np.random.Generator):
        C, P, D, K = config.in_chans, config.patch_size, config.embed_dim, config.num_classes
        shared: dict[str, Any] = {"gelu": config.gelu, "rng": rng}
        self.config = config
        self.patch_embed = PatchEmbed(P, C, D, rng=rng)
        self.sincos: Array = sincos2d(D, config.grid_size)
        self.time_embed = Mlp(D, D, gelu="silu", rng=rng)
        self.label_embed: Array = truncated_normal(rng, (K + 1, D))
        options: dict[str, Any] = {"qkv_bias": config.qkv_bias, "layer_norm_eps": config.layer_norm_eps, **shared}
        self.blocks = [DiTBlock(D, config.num_heads, config.hidden_dim, **options) for _ in range(config.depth)]
        self.ada = zeros(Linear(D, 2 * D, rng=rng))
        self.head = zeros(Linear(D, C * P * P, rng=rng))
        spread_to(config.init_std, self.parameters())

    def forward(  # type: ignore[override]
        self, x: Array, *, times: Array, labels: Array, rng: Any = None
    ) -> tuple[Array, DiTSaved]:
        """(B, C, H, W) -> (B, C, H, W).

        Args:
            times: (B,), 0 for an image and 1 for nothing but noise.
            labels: integers (B,) up to `num_classes`, which stands for any class.

        Raises:
            UserError: the images have another shape than the config says, or labels are others.
        """
        config = self.config
        check_images(x, config.input_shape, self.dtype)
        for name, vector in (("times", times), ("labels", labels)):
            check_array(name, vector)
            check_shape(name, vector, (len(x),))
        condition, condition_saved = self._condition(times, labels)  # (B, D)
        x, patch_embed = self.patch_embed.forward(x)  # (B, C, H, W) -> (B, L, D)
        x, position = add_position_forward(x, self.sincos.astype(x.dtype))
        blocks = []
        for block in self.blocks:
            x, saved = block.forward(x, condition)
            blocks.append(saved)
        two, ada = self.ada.forward(condition)  # (B, D) -> (B, 2D)
        x, norm = ada_norm_forward(x, *chunks(two, 2), eps=config.layer_norm_eps)
        x, head = self.head.forward(x)  # (B, L, D) -> (B, L, C*P*P)
        y, unpatchify = unpatchify_forward(x, image_shape=config.image_shape, patch_size=config.patch_size)
        return y, DiTSaved(patch_embed, position, condition_saved, blocks, ada, norm, head, unpatchify)

    def backward(self, dy: Array, saved: DiTSaved) -> tuple[Array, Grads]:
        """(B, C, H, W) -> dimages (B, C, H, W) and the gradient of every parameter.

        Every block looked at the condition, so its gradient is the sum of what they all say.
        """
        dx = unpatchify_backward(dy, saved.unpatchify)
        dx, dhead = self.head.backward(dx, saved.head)
        dx, dshift, dscale = ada_norm_backward(dx, saved.norm)
        dcondition, dada = self.ada.backward(array_module(dy).concatenate([dshift, dscale], axis=1), saved.ada)
        grads = prefixed("ada", dada) | prefixed("head", dhead)
        for index in reversed(range(len(self.blocks))):
            dx, dlooked_at, dblock = self.blocks[index].backward(dx, saved.blocks[index])
            dcondition += dlooked_at
            grads = prefixed(f"blocks.{index}", dblock) | grads
        dx, _ = add_position_backward(dx, saved.position)
        dimages, dpatch_embed = self.patch_embed.backward(dx, saved.patch_embed)
        return dimages, prefixed("patch_embed", dpatch_embed) | self._condition_backward(dcondition, saved) | grads

    def _condition(self, times: Array, labels: Array) -> tuple[Array, ConditionSaved]:
        """Embedding of times (B,) and labels (B,), one vector (B, D) for all blocks."""
        features = time_features(times.astype(self.dtype), self.config.embed_dim)
        time, time_embed = self.time_embed.forward(features)
        label, label_embed = embedding_forward(self.label_embed, ids=labels)
        condition, silu = silu_forward(time + label)
        return condition, ConditionSaved(time_embed, label_embed, silu)

    def _condition_backward(self, dcondition: Array, saved: DiTSaved) -> Grads:
        dsum = silu_backward(dcondition, saved.condition.silu)
        dlabel_embed = embedding_backward(dsum, saved.condition.label_embed)
        _, dtime_embed = self.time_embed.backward(dsum, saved.condition.time_embed)
        return prefixed("time_embed", dtime_embed) | {"label_embed": dlabel_embed}


def time_features(times: Array, num_features: int) -> Array:
    """(B,) -> (B, F): cosines, then sines, of 1000 t at F/2 frequencies from 1 down to 1/10000, as positions have them.

    In float64 until the end: float32 would round angles of 1000 to the fourth decimal.

    Source: Ho, Jain, Abbeel 2020, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239, appendix B.
    """
    xp, half = array_module(times), num_features // 2
    frequencies = xp.exp(xp.arange(half).astype("float64") * (-math.log(MAX_PERIOD) / half))
    angles = (TIME_SCALE * times.astype("float64"))[:, None] * frequencies
    return xp.concatenate([xp.cos(angles), xp.sin(angles)], axis=1).astype(times.dtype)
