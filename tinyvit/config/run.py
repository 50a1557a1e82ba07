"""Everything that decides how a training run goes, in one frozen object; the command line's flags are made from it."""

import dataclasses
import os
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from ..errors import UserError
from .fields import Config, option
from .presets import PRESETS
from .vit import ViTConfig

Workers: TypeAlias = Literal["auto"] | int


@dataclasses.dataclass(frozen=True)
class RunConfig(Config):
    """What every training run decides.

    Raises:
        UserError: a value makes no sense.
    """

    verb: ClassVar[str] = "train"  # of the command that starts and resumes such a run

    model: ViTConfig = PRESETS["tiny"]
    task: Literal["classify"] = option("classify", "what is learned")
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
    class_weights: str | tuple[float, ...] | None = option(
        None, "weights of classes in the loss: balanced (rare ones count more), or a file of lines such as cat,2.5"
    )
    ema_decay: float = option(
        0.0, "average the weights with this decay and evaluate the average; 0 turns it off", below=1
    )
    seed: int = option(0, "all randomness of the run follows from it", below=2**64)
    device: str = option("auto", "auto, cpu, cuda or cuda:<index>")
    precision: Literal["fp32", "tf32", "bf16"] = option(
        "fp32", "of matrix products on a GPU; tf32 and bf16 round what goes in, and are faster"
    )
    kernels: Literal["auto", "plain"] = option("auto", "on a GPU: fused kernels where there are some, or plain ops")
    micro_batch: int = option(0, "images worked on at once; 0: what is fast and fits")
    checkpoint_seconds: float = option(30.0, "save at least this often, besides at the end of each epoch")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not (self.opt == "sgd" and self.momentum):
            raise UserError(
                f"nesterov needs opt sgd and a momentum above 0, got {self.opt} and {self.momentum:g}: leave it out"
            )

    @property
    def dataset_name(self) -> str:
        """What the run learns, in a word."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class TrainConfig(RunConfig):
    """A run of `tinyvit train`. The defaults train a tiny ViT on MNIST in a few minutes."""

    data_dir: str | None = option(None, "folder with the data set's files, or of pictures: train/<class>/, or <class>/")
    dataset: Literal[
        "auto", "mnist", "fashion-mnist", "kmnist",
        "emnist-balanced", "emnist-byclass", "emnist-bymerge", "emnist-letters", "emnist-digits", "emnist-mnist",
        "cifar-10", "cifar-100", "cifar-100-coarse", "idx", "folder",
    ] = option("auto", "what to learn; auto: what lies in --data-dir, and mnist without one")  # fmt: skip
    augment: Literal["none", "shift", "affine"] = option("affine", "how training images are varied")
    shift: int = option(1, "pixels, for shift: up to so many in each direction")
    degrees: float = option(8.0, "for affine: rotation up to so many degrees")
    translate: float = option(1.0, "pixels, for affine: up to so many in each direction")
    scale: float = option(0.08, "for affine: size up to so much larger or smaller", below=1)
    shear: float = option(0.0, "for affine: slant up to so many degrees", below=90)
    workers: Literal["auto"] | int = option("auto", "processes that share the work; auto: one per core", at_least=1)
    distributed: bool = option(False, "share each batch among the ranks that mpiexec started")

    @property
    def dataset_name(self) -> str:
        if self.dataset in ("folder", "idx"):
            return dataset_name(self.data_dir or self.dataset)
        return "mnist" if self.dataset == "auto" else self.dataset


@dataclasses.dataclass(frozen=True)
class FinetuneConfig(RunConfig):
    """A run of `tinyvit finetune`: a pretrained model goes on learning, on pictures in folders.

    Raises:
        UserError: a value makes no sense, or two do not go together.
    """

    verb: ClassVar[str] = "finetune"

    model: ViTConfig = PRESETS["vit_base_patch16_224"]
    pretrained: str = option("google/vit-base-patch16-224", "the model to start from: folder, .npz file or run")
    data_dir: str | None = option(None, "folder of pictures: train/<class>/, val/, test/; or just <class>/")
    labels: str | None = option(
        None,
        "CSV table of pictures and any number of classes: file, names (a|b), perhaps split; or columns of 0 and 1",
    )
    multi_label: bool = option(
        False, "pictures of any number of classes: of all folders above them (a/b/p.jpg: a and b); --labels implies it"
    )
    threshold: float = option(0.5, "with these: least probability of a yes", below=1.0001)
    epochs: int = option(5, "passes over the training images", at_least=1)
    batch_size: int = option(32, "images per step", at_least=1)
    lr: float = option(2e-5, "highest learning rate")
    min_lr: float = option(0.0, "learning rate at the end")
    weight_decay: float = option(0.01, "pull of the weight matrices towards zero")
    tune: Literal["all", "last", "head"] = option("all", "what learns: everything, the last blocks, or the head alone")
    last_blocks: int = option(2, "for tune last: how many blocks learn, besides the last norm and the head", at_least=1)
    layer_decay: float = option(
        1.0, "each block learns this much slower than the one above it; 1: all alike", at_least=1e-3, below=1.0001
    )
    recompute: bool = option(False, "compute blocks again in the backward: memory of about one block, a third slower")
    crop_scale: float = option(
        0.6, "random crops keep at least this share of a picture; 1: no crops", at_least=0.01, below=1.0001
    )
    flip: float = option(0.5, "how often a picture is mirrored; 0: never (digits, text)", below=1.0001)
    rand_augment: int = option(0, "strength of random changes of colour and shape, 0 to 10", below=11)
    erasing: float = option(0.0, "how often a random rectangle is erased", below=1.0001)
    mixup: float = option(0.0, "alpha of mixup; 0: none, 0.8: usual", below=100)
    cutmix: float = option(0.0, "alpha of cutmix; 0: none, 1: usual", below=100)
    threads: Literal["auto"] | int = option("auto", "that share the work; auto: one per core", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels:
            object.__setattr__(self, "multi_label", True)
            object.__setattr__(self, "data_dir", self.data_dir or str(Path(self.labels).parent))
        if self.threshold != 0.5 and not self.multi_label:
            raise UserError(
                f"threshold is for pictures of any number of classes, got {self.threshold:g}: give labels or "
                "multi_label too, or leave it out"
            )

    @property
    def dataset_name(self) -> str:
        return dataset_name(self.data_dir or "pictures")


def dataset_name(folder: str | os.PathLike[str]) -> str:
    """What a data set in a folder is called: as the folder, with "_" for what is not UTF-8, so that JSON takes it."""
    return os.fsencode(Path(folder).resolve().name).decode(errors="replace").replace("\ufffd", "_")
