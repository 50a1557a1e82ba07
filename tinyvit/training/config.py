"""Everything that decides how a training run goes, in one frozen object; the command line's flags are made from it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

from ..config import ViTConfig, option
from ..errors import UserError
from ..presets import PRESETS


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training run. The defaults train a tiny ViT on MNIST in a few minutes.

    Raises:
        UserError: a value makes no sense.
    """

    model: ViTConfig = PRESETS["tiny"]
    dataset: Literal["mnist", "fashion-mnist"] = option("mnist", "what to learn")
    data_dir: str | None = option(None, "folder with the data set's files (else TINYVIT_DATA, data/, a download)")
    output: str | None = option(None, "folder of this run (else the next free runs/<dataset>-<number>)")
    epochs: int = option(12, "passes over the training images")
    batch_size: int = option(128, "images per step")
    opt: Literal["adamw", "sgd"] = option("adamw", "optimizer")
    lr: float = option(3e-3, "highest learning rate")
    min_lr: float = option(1e-5, "learning rate at the end")
    warmup_epochs: float = option(0.5, "epochs until the learning rate is at its highest")
    momentum: float = option(0.9, "momentum of sgd")
    weight_decay: float = option(0.1, "pull of the weight matrices towards zero")
    clip_grad: float = option(1.0, "largest global norm of the gradient; 0 turns clipping off")
    label_smoothing: float = option(0.0, "share of the target given to all classes alike")
    ema_decay: float = option(0.0, "average the weights with this decay and evaluate the average; 0 turns it off")
    augment: Literal["none", "shift", "affine"] = option("affine", "how training images are varied")
    shift: int = option(1, "pixels, for shift: up to so many in each direction")
    degrees: float = option(8.0, "for affine: rotation up to so many degrees")
    translate: float = option(1.0, "pixels, for affine: up to so many in each direction")
    scale: float = option(0.08, "for affine: size up to so much larger or smaller")
    shear: float = option(0.0, "for affine: slant up to so many degrees")
    seed: int = option(0, "all randomness of the run follows from it")
    device: str = option("auto", "auto, cpu, cuda or cuda:<index>")
    workers: int | str = option("auto", "processes that share the work; auto: one per core")
    distributed: bool = option(False, "share each batch among the ranks that mpiexec started")
    micro_batch: int = option(0, "images worked on at once; 0: what is fast and fits")
    checkpoint_seconds: float = option(30.0, "save at least this often, besides at the end of each epoch")

    def __post_init__(self) -> None:
        for name, least, below in _RANGES:
            value = getattr(self, name)
            if not (isinstance(value, int | float) and not isinstance(value, bool) and least <= value < below):
                limit = "" if below == float("inf") else f" and below {below:g}"
                raise UserError(f"{name} must be at least {least:g}{limit}, got {value!r}")
        if self.workers != "auto" and not (type(self.workers) is int and self.workers >= 1):
            raise UserError(f"workers must be auto or a whole number of at least 1, got {self.workers!r}")
        for name in ("epochs", "batch_size", "shift", "seed", "micro_batch"):
            if not isinstance(getattr(self, name), int):
                raise UserError(f"{name} must be a whole number, got {getattr(self, name)!r}")
        for name, allowed in (
            ("dataset", ("mnist", "fashion-mnist")),
            ("opt", ("adamw", "sgd")),
            ("augment", ("none", "shift", "affine")),
        ):
            if getattr(self, name) not in allowed:
                raise UserError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            UserError: unknown fields, or values that make no sense.
        """
        values = dict(values)
        unknown = sorted(set(values) - {field.name for field in dataclasses.fields(cls)})
        model = values.pop("model", {})
        if unknown or not isinstance(model, Mapping):
            raise UserError(f"the training config is damaged (unknown: {', '.join(unknown) or 'model'}): correct it")
        return cls(model=ViTConfig.from_dict(model), **values)


INFINITY = float("inf")
_RANGES = (  # name, at least, below
    ("epochs", 1, INFINITY),
    ("batch_size", 1, INFINITY),
    ("lr", 0, INFINITY),
    ("min_lr", 0, INFINITY),
    ("warmup_epochs", 0, INFINITY),
    ("momentum", 0, 1),
    ("weight_decay", 0, INFINITY),
    ("clip_grad", 0, INFINITY),
    ("label_smoothing", 0, 1),
    ("ema_decay", 0, 1),
    ("shift", 0, INFINITY),
    ("degrees", 0, INFINITY),
    ("translate", 0, INFINITY),
    ("scale", 0, 1),
    ("shear", 0, 90),
    ("seed", 0, INFINITY),
    ("micro_batch", 0, INFINITY),
    ("checkpoint_seconds", 0, INFINITY),
)
