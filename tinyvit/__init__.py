"""tinyvit: a Vision Transformer in which every forward and every backward pass is written by hand.

    images (B,C,H,W) -patchify-> (B,L,C*P*P) -linear-> (B,L,D) -cls, pos-> tokens (B,N,D)
      -> [ x + attn(norm1 x) ; x + mlp(norm2 x) ] * depth -> norm -> cls row (B,D) -head-> logits (B,K) -> loss
    dlogits <- labels; every arrow reversed, bottom to top, with `saved` in hand, down to dimages (B,C,H,W)

B batch, C channels, H W image, P patch, L patches, N tokens (L + class token + registers), D embed_dim,
h heads, d head_dim, M mlp hidden, K classes. C is only ever channels. Further in: R rows (all leading axes as one),
T tokens in front of the patches, Q tokens that ask in attention, V tokens that were chosen, S stem channels.

Where to look: a formula: `ops`. Parameters: `layers`. How an image becomes a class: `vit`. What is learned: `tasks`.
How: `training`. Whether it is right: `gradcheck`, and the tests. What to read in which order: lessons/reading_order.md.
"""

TYPE_CHECKING = False  # true for type checkers; `typing` would be most of the time that `import tinyvit` takes
if TYPE_CHECKING:
    from typing import Any

    from . import backend, datasets, evaluation, gradcheck, layers, ops, optim, plots, tasks, training, vit
    from .backend import array_module, available_devices, generator, resolve_device, to_device, to_numpy
    from .config import PRESETS, ViTConfig, preset, presets
    from .datasets import load_dataset
    from .errors import UserError
    from .evaluation.evaluate import evaluate
    from .gradcheck import GradientReport, check_gradients
    from .training import TrainConfig, train, train_step
    from .vit import VisionTransformer

__version__ = "0.2.0"

# A subpackage is imported when it is first used, so that `import tinyvit` and `tinyvit --help` take no time.
_SUBPACKAGES = (
    "backend", "datasets", "evaluation", "gradcheck", "layers", "ops", "optim", "plots", "tasks", "training", "vit",
)  # fmt: skip
_HOMES = {
    "backend": ("array_module", "available_devices", "generator", "resolve_device", "to_device", "to_numpy"),
    "config": ("PRESETS", "ViTConfig", "preset", "presets"),
    "datasets": ("load_dataset",),
    "errors": ("UserError",),
    "gradcheck": ("GradientReport", "check_gradients"),
    "evaluation.evaluate": ("evaluate",),
    "training": ("TrainConfig", "train", "train_step"),
    "vit": ("VisionTransformer",),
}


def __getattr__(name: str) -> "Any":
    from importlib import import_module

    if name in _SUBPACKAGES:
        return import_module(f".{name}", __name__)
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{home}", __name__), name)
    raise AttributeError(f"module 'tinyvit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "PRESETS", "GradientReport", "TrainConfig", "UserError", "ViTConfig", "VisionTransformer", "array_module",
    "available_devices", "backend", "check_gradients", "datasets", "evaluate", "evaluation", "generator",
    "gradcheck", "layers", "load_dataset", "ops", "optim", "plots", "preset", "presets", "resolve_device", "tasks",
    "to_device", "to_numpy", "train", "train_step", "training", "vit",
]  # fmt: skip
