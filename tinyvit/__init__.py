"""tinyvit: a Vision Transformer in which every forward and every backward pass is written by hand.

    images (B,C,H,W) -patchify-> (B,L,C*P*P) -linear-> (B,L,D) -cls, pos-> tokens (B,N,D)
      -> [ x + attn(norm1 x) ; x + mlp(norm2 x) ] * depth -> norm -> cls row (B,D) -head-> logits (B,K) -> loss
    dlogits <- labels; every arrow reversed, bottom to top, with `saved` in hand, down to dimages (B,C,H,W)

B batch, C channels, H W image, P patch, L patches, N tokens (L + class token + registers), D embed_dim,
h heads, d head_dim, M mlp hidden, K classes. C is only ever channels.

Where to look: a formula: `ops`. Where weights are born: `layers`. How an image becomes a class: `vit`.
Why the loss falls: `training`. Whether it is right: `gradcheck`, and the tests.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import ops
from .backend import array_module, available_devices, generator, resolve_device, to_device, to_numpy
from .config import ViTConfig
from .errors import UserError
from .gradcheck import GradientReport, check_gradients
from .presets import PRESETS, preset
from .vit import VisionTransformer

if TYPE_CHECKING:
    from . import datasets, optim, plots, training
    from .datasets import load_dataset
    from .training import TrainConfig, evaluate, train, train_step

__version__ = "0.1.0"

# Rooms that only some readers enter are opened when they first do, so that `import tinyvit` stays quick.
_LATER = {
    "datasets": None,
    "optim": None,
    "plots": None,
    "training": None,
    "load_dataset": "datasets",
    "TrainConfig": "training",
    "evaluate": "training",
    "train": "training",
    "train_step": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'tinyvit' has no attribute {name!r}")
    room = import_module(f".{_LATER[name] or name}", __name__)
    return room if _LATER[name] is None else getattr(room, name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "PRESETS",
    "GradientReport",
    "TrainConfig",
    "UserError",
    "ViTConfig",
    "VisionTransformer",
    "array_module",
    "available_devices",
    "check_gradients",
    "datasets",
    "evaluate",
    "generator",
    "load_dataset",
    "ops",
    "optim",
    "plots",
    "preset",
    "resolve_device",
    "to_device",
    "to_numpy",
    "train",
    "train_step",
    "training",
]
