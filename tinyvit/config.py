"""What a Vision Transformer looks like, in timm's words, checked once for everybody who builds one."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from .errors import UserError


def option(default: Any, help: str) -> Any:
    """A dataclass field with the one line that the command line shows for its flag."""
    return dataclasses.field(default=default, metadata={"help": help})


@dataclasses.dataclass(frozen=True)
class ViTConfig:
    """The shape of a Vision Transformer. The defaults are ViT-B/16 at 224 pixels.

    Raises:
        UserError: a value makes no sense, or two do not go together.
    """

    img_size: int | tuple[int, int] = option(224, "pixels; one number, or (height, width)")
    patch_size: int = option(16, "pixels along each side of a patch")
    in_chans: int = option(3, "image channels")
    num_classes: int = option(1000, "0: no head, the model returns features (B, D)")
    embed_dim: int = option(768, "numbers per token")
    depth: int = option(12, "blocks")
    num_heads: int = option(12, "attention heads; must divide embed_dim")
    mlp_ratio: float = option(4.0, "hidden numbers of the MLP, per embed_dim")
    qkv_bias: bool = option(True, "whether queries, keys and values have a bias")
    gelu: Literal["erf", "tanh"] = option("erf", "which form of GELU")
    layer_norm_eps: float = option(1e-6, "what keeps layer norm from dividing by zero")
    pool: Literal["cls", "mean"] = option("cls", "what the head looks at")
    pos_embed: Literal["learned", "sincos2d"] = option("learned", "how a token knows its place")
    num_registers: int = option(0, "extra learned tokens that stand for no patch")
    drop_rate: float = option(0.0, "dropout after the positions and after each branch, in training")
    drop_path_rate: float = option(0.0, "probability of dropping the last block's branches, rising from 0 at the first")
    init_std: float = option(0.02, "spread of fresh weight matrices; narrow models learn sooner with more")
    layer_scale: float | None = option(None, "initial value of layer scale; none without")
    stem: Literal["patch", "conv"] = option("patch", "how patches become tokens; conv is not built yet")

    def __post_init__(self) -> None:
        if not isinstance(self.img_size, int):
            object.__setattr__(self, "img_size", tuple(self.img_size))
        for name, least in _LEAST.items():
            sizes = self.image_shape if name == "img_size" else (getattr(self, name),)
            if not all(isinstance(size, int) and not isinstance(size, bool) and size >= least for size in sizes):
                raise UserError(f"{name} must be a whole number of at least {least}, got {getattr(self, name)!r}")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UserError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if self.stem == "conv":
            raise UserError('stem="conv" is planned but not built yet: use stem="patch"')
        height, width = self.image_shape
        if height % self.patch_size or width % self.patch_size:
            raise UserError(
                f"a {height}x{width} image does not divide into {self.patch_size}x{self.patch_size} patches: "
                f"choose patch_size from {_divisors(math.gcd(height, width))}"
            )
        if self.embed_dim % self.num_heads:
            raise UserError(
                f"embed_dim {self.embed_dim} does not divide among {self.num_heads} heads: "
                f"choose num_heads from {_divisors(self.embed_dim)}"
            )
        if self.pos_embed == "sincos2d" and self.embed_dim % 4:
            raise UserError(f'pos_embed="sincos2d" needs an embed_dim that is a multiple of 4, got {self.embed_dim}')
        if not self.hidden_dim >= 1:
            raise UserError(f"mlp_ratio must leave at least one hidden number, got {self.mlp_ratio!r}")
        if not self.layer_norm_eps > 0:
            raise UserError(f"layer_norm_eps must be above 0, got {self.layer_norm_eps!r}")
        if not self.init_std >= 0:
            raise UserError(f"init_std must be at least 0, got {self.init_std!r}")
        for name in ("drop_rate", "drop_path_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 0 and below 1, got {getattr(self, name)!r}")

    @property
    def image_shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        size = self.img_size
        if isinstance(size, int):
            return size, size
        if len(size) != 2:
            raise UserError(f"img_size must be one number or (height, width), got {size!r}")
        return size

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
        """The class token and the registers, in front of the patches."""
        return 1 + self.num_registers

    @property
    def num_tokens(self) -> int:
        """N = L + class token + registers."""
        return self.num_prefix_tokens + self.num_patches

    @property
    def head_dim(self) -> int:
        """d."""
        return self.embed_dim // self.num_heads

    @property
    def hidden_dim(self) -> int:
        """M, the width of the MLP."""
        return int(self.embed_dim * self.mlp_ratio)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; keys that are no fields are refused.

        Raises:
            UserError: an unknown field, a value of the wrong kind, or a config that makes no sense.
        """
        unknown = sorted(set(values) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise UserError(f"the model config has unknown fields: {', '.join(unknown)}; remove or correct them")
        try:
            return cls(**values)
        except TypeError as error:
            raise UserError(f"the model config holds a value of the wrong kind: {error}; correct it") from error


_LEAST = {
    "img_size": 1,
    "patch_size": 1,
    "in_chans": 1,
    "num_classes": 0,
    "embed_dim": 1,
    "depth": 0,
    "num_heads": 1,
    "num_registers": 0,
}
_CHOICES = {
    "gelu": ("erf", "tanh"),
    "pool": ("cls", "mean"),
    "pos_embed": ("learned", "sincos2d"),
    "stem": ("patch", "conv"),
}


def _divisors(n: int) -> str:
    """All divisors of `n`, for people: "1, 2, 4"."""
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return ", ".join(map(str, sorted({*small, *(n // d for d in small)})))
