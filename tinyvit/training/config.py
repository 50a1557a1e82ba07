"""Everything that decides how a training run goes, in one frozen object; the command line's flags are made from it."""

import dataclasses
from typing import Literal, TypeAlias

from ..config import ViTConfig
from ..errors import UserError
from ..fields import Config, option
from ..presets import PRESETS

Workers: TypeAlias = Literal["auto"] | int


@dataclasses.dataclass(frozen=True)
class TrainConfig(Config):
    """A training run. The defaults train a tiny ViT on MNIST in a few minutes.

    Raises:
        UserError: a value makes no sense.
    """

    model: ViTConfig = PRESETS["tiny"]
    dataset: Literal["mnist", "fashion-mnist"] = option("mnist", "what to learn")
    data_dir: str | None = option(None, "folder with the data set's files (else TINYVIT_DATA, data/, a download)")
    output: str | None = option(None, "folder of this run (else the next free runs/<dataset>-<number>)")
    epochs: int = option(12, "passes over the training images", at_least=1)
    batch_size: int = option(128, "images per step", at_least=1)
    opt: Literal["adamw", "sgd"] = option("adamw", "optimizer")
    lr: float = option(3e-3, "highest learning rate")
    min_lr: float = option(1e-5, "learning rate at the end")
    warmup_epochs: float = option(0.5, "epochs until the learning rate is at its highest")
    momentum: float = option(0.9, "momentum of sgd", below=1)
    nesterov: bool = option(False, "sgd's momentum as Nesterov put it: look ahead, then step")
    weight_decay: float = option(0.1, "pull of the weight matrices towards zero")
    clip_grad: float = option(1.0, "largest global norm of the gradient; 0 turns clipping off")
    label_smoothing: float = option(0.0, "share of the target given to all classes alike", below=1)
    ema_decay: float = option(
        0.0, "average the weights with this decay and evaluate the average; 0 turns it off", below=1
    )
    augment: Literal["none", "shift", "affine"] = option("affine", "how training images are varied")
    shift: int = option(1, "pixels, for shift: up to so many in each direction")
    degrees: float = option(8.0, "for affine: rotation up to so many degrees")
    translate: float = option(1.0, "pixels, for affine: up to so many in each direction")
    scale: float = option(0.08, "for affine: size up to so much larger or smaller", below=1)
    shear: float = option(0.0, "for affine: slant up to so many degrees", below=90)
    seed: int = option(0, "all randomness of the run follows from it", below=2**64)
    device: str = option("auto", "auto, cpu, cuda or cuda:<index>")
    workers: Literal["auto"] | int = option("auto", "processes that share the work; auto: one per core", at_least=1)
    distributed: bool = option(False, "share each batch among the ranks that mpiexec started")
    micro_batch: int = option(0, "images worked on at once; 0: what is fast and fits")
    checkpoint_seconds: float = option(30.0, "save at least this often, besides at the end of each epoch")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not (self.opt == "sgd" and self.momentum):
            raise UserError(
                f"nesterov needs opt sgd and a momentum above 0, got {self.opt} and {self.momentum:g}: leave it out"
            )
