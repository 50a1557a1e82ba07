"""Architecture of a Vision Transformer, in timm's words, validated once."""

import dataclasses
import math
from typing import Literal

from ..errors import UserError
from .fields import Config, option

CODES = 128  # of characters: ASCII, 0 for none
STEM_CHANS = 8  # S, channels of the convolutional stem: with it, a step of the tiny model takes twice as long


@dataclasses.dataclass(frozen=True)
class ViTConfig(Config):
    """The shape of a Vision Transformer. The defaults are ViT-B/16 at 224 pixels.

    Raises:
        UserError: a value makes no sense, or two do not go together.
    """

    img_size: int | tuple[int, int] = option(
        224, "image size in pixels: one number, or height x width, as 32x48", at_least=1
    )
    patch_size: int = option(16, "patch size: pixels along each side", at_least=1)
    in_chans: int = option(3, "input channels", at_least=1)
    num_classes: int = option(1000, "classes, the outputs of the head; 0: no head, the model returns features (B, D)")
    embed_dim: int = option(768, "embedding dimension: features per token", at_least=1)
    depth: int = option(12, "transformer blocks")
    num_heads: int = option(12, "attention heads; must divide embed_dim", at_least=1)
    mlp_ratio: float = option(4.0, "hidden width of the MLP, as a multiple of embed_dim")
    qkv_bias: bool = option(True, "bias of queries, keys and values")
    gelu: Literal["erf", "tanh", "quick"] = option(
        "erf", "activation: exact GELU (erf), or its tanh or quick approximation"
    )
    layer_norm_eps: float = option(1e-6, "epsilon of layer norm", at_least=1e-30)
    pool: Literal["cls", "mean", "cls+mean", "cls+dist", "map"] = option(
        "cls",
        "pooling before the head: class token, mean of the patches, or both; class and distillation token, with a head "
        "each (DeiT); or attention pooling (map)",
    )
    pos_embed: Literal["learned", "sincos2d"] = option(
        "learned", "position embedding: learned, or fixed 2-D sines and cosines"
    )
    class_token: bool = option(True, "class token in front of the patches")
    num_registers: int = option(0, "register tokens: extra learned tokens that stand for no patch")
    pre_norm: bool = option(False, "layer norm before the first block, in place of the patches' bias (CLIP)")
    final_norm: bool = option(True, "layer norm after the last block")
    fc_norm: bool = option(False, "final layer norm after pooling, not before it")
    drop_rate: float = option(
        0.0, "dropout rate after the position embedding and after each residual branch, in training", below=1
    )
    drop_path_rate: float = option(
        0.0, "stochastic depth (drop path): rate at the last block, rising linearly from 0 at the first", below=1
    )
    init_std: float = option(0.02, "standard deviation of initial weight matrices; narrow models want more")
    layer_scale: float | None = option(None, "initial value of layer scale; without: no layer scale")
    stem: Literal["patch", "conv", "words"] = option(
        "patch",
        "stem: patches of the image, or of the output of two convolutions; or words, whose letters are channels",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        height, width = self.image_shape
        if height % self.patch_size or width % self.patch_size:
            raise UserError(
                f"a {height}x{width} image does not divide into {self.patch_size}x{self.patch_size} patches: "
                f"choose patch_size from {_divisors(math.gcd(height, width))}, or img_size "
                f"{_sizes_that_divide(self.img_size, self.patch_size)}"
            )
        if self.stem == "words" and (height != 1 or self.patch_size != 1):
            raise UserError(
                f'stem="words" takes texts as images one pixel high in patches of one, got img_size {height}x{width} '
                f"and patch_size {self.patch_size}: set img_size to (1, {width}) and patch_size to 1"
            )
        if self.embed_dim % self.num_heads:
            raise UserError(
                f"embed_dim {self.embed_dim} does not divide among {self.num_heads} heads: "
                f"choose num_heads from {_divisors(self.embed_dim)}"
            )
        if self.pos_embed == "sincos2d" and self.embed_dim % 4:
            raise UserError(f'pos_embed="sincos2d" needs an embed_dim that is a multiple of 4, got {self.embed_dim}')
        if not self.class_token and self.pool.startswith("cls"):
            raise UserError(f'pool="{self.pool}" pools the class token, and there is none: choose "mean" or "map"')
        if self.pool == "cls+dist" and not self.num_registers:
            raise UserError('pool="cls+dist" pools the first register, and there is none: set num_registers to 1')
        if self.fc_norm and ("+" in self.pool or not self.final_norm):
            raise UserError(
                f"fc_norm moves the final norm behind the pooling of one vector, got pool={self.pool} and "
                f"final_norm={self.final_norm}: leave out fc_norm"
            )
        if self.hidden_dim < 1:
            raise UserError(
                f"mlp_ratio must leave at least one hidden feature, got {self.mlp_ratio}: choose a larger one"
            )

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return (self.img_size, self.img_size) if isinstance(self.img_size, int) else self.img_size

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        return self.in_chans, *self.image_shape

    @property
    def grid_size(self) -> tuple[int, int]:
        """Patches along (height, width)."""
        height, width = self.image_shape
        return height // self.patch_size, width // self.patch_size

    @property
    def num_patches(self) -> int:
        """L, the patches of an image."""
        return self.grid_size[0] * self.grid_size[1]

    @property
    def num_prefix_tokens(self) -> int:
        """The class token, if there is one, and the registers, in front of the patches."""
        return self.class_token + self.num_registers

    @property
    def num_tokens(self) -> int:
        """N = L + class token + registers."""
        return self.num_prefix_tokens + self.num_patches

    @property
    def num_queries(self) -> int | None:
        """Queries of the last block: the tokens in front that the head pools; None: all tokens."""
        return {"cls": 1, "cls+dist": 2}.get(self.pool)

    @property
    def num_pooled(self) -> int:
        """Input features of the head: D, or 2D."""
        return self.embed_dim * (2 if "+" in self.pool else 1)

    @property
    def head_dim(self) -> int:
        """d, the features of one attention head."""
        return self.embed_dim // self.num_heads

    @property
    def hidden_dim(self) -> int:
        """M, the width of the MLP."""
        return int(self.embed_dim * self.mlp_ratio)

    def with_head(self, num_classes: int) -> "ViTConfig":
        """The same architecture with one linear head, or with none: two pooled tokens become one where they can."""
        is_whole = self.pool != "cls+dist" and (num_classes or self.pool != "cls+mean")
        return dataclasses.replace(self, num_classes=num_classes, pool=self.pool if is_whole else "cls")

    def resized(self, img_size: int | tuple[int, int]) -> "ViTConfig":
        """The same architecture for images of another size; the patches stay as they are.

        Raises:
            UserError: they do not divide the new size.
        """
        patch, sides = self.patch_size, img_size if isinstance(img_size, tuple | list) else (img_size, img_size)
        if (
            len(sides) == 2
            and all(isinstance(side, int) and side > 0 for side in sides)
            and any(s % patch for s in sides)
        ):
            raise UserError(
                f"a {sides[0]}x{sides[1]} image does not divide into {patch}x{patch} patches, as this model has them: "
                f"choose img_size {_sizes_that_divide(img_size, patch)}"
            )
        return dataclasses.replace(self, img_size=img_size)


def _sizes_that_divide(img_size: int | tuple[int, int], patch_size: int) -> str:
    """The nearest image sizes that patches divide, for people: "96 or 104", "96x48 or 104x56"."""
    sides = (img_size,) if isinstance(img_size, int) else img_size
    smaller = [max(1, side // patch_size) * patch_size for side in sides]
    larger = [-(-side // patch_size) * patch_size for side in sides]
    return " or ".join(dict.fromkeys("x".join(map(str, size)) for size in (smaller, larger)))


def _divisors(n: int) -> str:
    """All divisors of `n`, for people: "1, 2, 4"."""
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return ", ".join(map(str, sorted({*small, *(n // d for d in small)})))
