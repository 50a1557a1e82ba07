"""What a Vision Transformer looks like, in timm's words, checked once for everybody who builds one."""

import dataclasses
import math
from typing import Literal

from ..errors import UserError
from .fields import Config, option

STEM_CHANS = 8  # S, channels of the convolutional stem: with it, a step of the tiny model takes twice as long


@dataclasses.dataclass(frozen=True)
class ViTConfig(Config):
    """The shape of a Vision Transformer. The defaults are ViT-B/16 at 224 pixels.

    Raises:
        UserError: a value makes no sense, or two do not go together.
    """

    img_size: int | tuple[int, int] = option(224, "pixels; one number, or (height, width)", at_least=1)
    patch_size: int = option(16, "pixels along each side of a patch", at_least=1)
    in_chans: int = option(3, "image channels", at_least=1)
    num_classes: int = option(1000, "0: no head, the model returns features (B, D)")
    embed_dim: int = option(768, "numbers per token", at_least=1)
    depth: int = option(12, "blocks")
    num_heads: int = option(12, "attention heads; must divide embed_dim", at_least=1)
    mlp_ratio: float = option(4.0, "hidden numbers of the MLP, per embed_dim")
    qkv_bias: bool = option(True, "whether queries, keys and values have a bias")
    gelu: Literal["erf", "tanh", "quick"] = option("erf", "which form of GELU")
    layer_norm_eps: float = option(1e-6, "what keeps layer norm from dividing by zero", at_least=1e-30)
    pool: Literal["cls", "mean", "cls+mean", "cls+dist", "map"] = option(
        "cls",
        "what the head looks at: the class token, the mean of the patches, or both; the class token and the first "
        "register, with a head each (DeiT's distillation); or attention pooling",
    )
    pos_embed: Literal["learned", "sincos2d"] = option("learned", "how a token knows its place")
    class_token: bool = option(True, "whether there is a class token in front of the patches")
    num_registers: int = option(0, "extra learned tokens that stand for no patch")
    pre_norm: bool = option(False, "whether layer norm, in place of the patches' bias, comes before the first block")
    final_norm: bool = option(True, "whether layer norm comes after the last block")
    fc_norm: bool = option(False, "whether that layer norm comes after pooling, not before it")
    drop_rate: float = option(0.0, "dropout after the positions and after each branch, in training", below=1)
    drop_path_rate: float = option(
        0.0, "probability of dropping the last block's branches, rising from 0 at the first", below=1
    )
    init_std: float = option(0.02, "spread of fresh weight matrices; narrow models learn sooner with more")
    layer_scale: float | None = option(None, "initial value of layer scale; none without")
    stem: Literal["patch", "conv"] = option(
        "patch", "what patches are cut from: the image, or what two convolutions make of it"
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
        if self.embed_dim % self.num_heads:
            raise UserError(
                f"embed_dim {self.embed_dim} does not divide among {self.num_heads} heads: "
                f"choose num_heads from {_divisors(self.embed_dim)}"
            )
        if self.pos_embed == "sincos2d" and self.embed_dim % 4:
            raise UserError(f'pos_embed="sincos2d" needs an embed_dim that is a multiple of 4, got {self.embed_dim}')
        if not self.class_token and self.pool.startswith("cls"):
            raise UserError(f'pool="{self.pool}" looks at the class token, and there is none: choose "mean" or "map"')
        if self.pool == "cls+dist" and not self.num_registers:
            raise UserError('pool="cls+dist" looks at the first register, and there is none: set num_registers to 1')
        if self.fc_norm and ("+" in self.pool or not self.final_norm):
            raise UserError(
                f"fc_norm moves the final norm behind the pooling of one vector, got pool={self.pool} and "
                f"final_norm={self.final_norm}: leave out fc_norm"
            )
        if self.hidden_dim < 1:
            raise UserError(
                f"mlp_ratio must leave at least one hidden number, got {self.mlp_ratio}: choose a larger one"
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
        """L."""
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
        """How many tokens the last block must bring: those in front that the head looks at; None: all of them."""
        return {"cls": 1, "cls+dist": 2}.get(self.pool)

    @property
    def num_pooled(self) -> int:
        """How many numbers the head is given: D, or 2D."""
        return self.embed_dim * (2 if "+" in self.pool else 1)

    @property
    def head_dim(self) -> int:
        """d."""
        return self.embed_dim // self.num_heads

    @property
    def hidden_dim(self) -> int:
        """M, the width of the MLP."""
        return int(self.embed_dim * self.mlp_ratio)

    def with_head(self, num_classes: int) -> "ViTConfig":
        """The same with one linear head, or with none: what two heads looked at, one need not."""
        is_whole = self.pool != "cls+dist" and (num_classes or self.pool != "cls+mean")
        return dataclasses.replace(self, num_classes=num_classes, pool=self.pool if is_whole else "cls")

    def resized(self, img_size: int | tuple[int, int]) -> "ViTConfig":
        """The same for images of another size; the patches stay as they are.

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
