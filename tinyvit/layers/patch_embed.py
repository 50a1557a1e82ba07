"""Patch embedding: patches become tokens by one linear layer for all (in effect a strided convolution)."""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array
from ..config.vit import STEM_CHANS, ViTConfig
from ..errors import UserError
from ..ops import LinearSaved, PatchifySaved, patchify_backward, patchify_forward
from ..ops.floats import check_input_shape
from .conv_stem import ConvStem, ConvStemSaved
from .layer import Grads, Identity, Layer, prefixed
from .linear import Linear
from .word_embed import WordEmbed


class PatchEmbedSaved(NamedTuple):
    stem: ConvStemSaved | None
    patchify: PatchifySaved
    proj: LinearSaved


class PatchEmbed(Layer):
    """(B, C, H, W) -> (B, L, D). With the stem "conv", patches are cut from its feature map instead of the image."""

    def __init__(
        self,
        patch_size: int,
        in_chans: int,
        embed_dim: int,
        *,
        stem: str = "patch",
        gelu: str = "erf",
        bias: bool = True,
        rng: np.random.Generator,
    ):
        self.patch_size = patch_size
        self.stem: Layer = ConvStem(in_chans, gelu=gelu, rng=rng) if stem == "conv" else Identity()
        chans = STEM_CHANS if stem == "conv" else in_chans
        self.proj = Linear(chans * patch_size * patch_size, embed_dim, bias=bias, rng=rng)

    @staticmethod
    def check(x: Array, shape: tuple[int, int, int], dtype: Any) -> None:
        """As `check_images`; words have a check of their own (`WordEmbed`)."""
        check_images(x, shape, dtype)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, PatchEmbedSaved]:
        x, stem_saved = self.stem.forward(x)  # (B, C, H, W), or (B, S, H, W)
        patches, patchify_saved = patchify_forward(x, patch_size=self.patch_size)  # (B, L, C*P*P), or (B, L, S*P*P)
        tokens, proj_saved = self.proj.forward(patches)  # (B, L, D)
        return tokens, PatchEmbedSaved(stem_saved, patchify_saved, proj_saved)

    def backward(self, dy: Array, saved: PatchEmbedSaved) -> tuple[Array, Grads]:
        dpatches, dproj = self.proj.backward(dy, saved.proj)
        dx = patchify_backward(dpatches, saved.patchify)
        dx, dstem = self.stem.backward(dx, saved.stem)
        return dx, prefixed("stem", dstem) | prefixed("proj", dproj)


def check_images(x: Array, shape: tuple[int, int, int], dtype: Any) -> None:
    """Check that `x` is a batch of images of one `shape` (C, H, W) and `dtype`.

    Raises:
        TypeError: it is no array.
        UserError: it has another shape or dtype.
    """
    check_input_shape(x, shape)
    if x.dtype != dtype:
        raise UserError(f"images are {x.dtype} but the model is {dtype}: use images.astype or model.astype")


def patch_embed(config: ViTConfig, *, rng: np.random.Generator) -> PatchEmbed | WordEmbed:
    """A new layer that makes the tokens of a model: of patches, of a feature map's, or of words."""
    if config.stem == "words":
        return WordEmbed(config.in_chans, config.embed_dim, rng=rng)
    sizes = config.patch_size, config.in_chans, config.embed_dim  # no bias where a norm follows, as in CLIP
    return PatchEmbed(*sizes, stem=config.stem, gelu=config.gelu, bias=not config.pre_norm, rng=rng)
