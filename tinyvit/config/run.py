"""Configuration of a training run: one frozen dataclass, from which the command line's flags are made."""

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
    """Hyperparameters and settings that every training run has.

    Raises:
        UserError: a value makes no sense.
    """

    verb: ClassVar[str] = "train"  # of the command that starts and resumes such a run
    is_classifier: ClassVar[bool] = True  # whether the model that is saved names classes of images

    model: ViTConfig = PRESETS["tiny"]
    task: str = option("classify", "learning task")  # each has a config of its own, see `tasks`
    data_dir: str | None = option(None, "folder of the data set (else TINYVIT_DATA, data/, a download)")
    output: str | None = option(None, "folder of this run (else the next free runs/<dataset>-<number>)")
    epochs: int = option(12, "epochs, passes over the training split", at_least=1)
    batch_size: int = option(128, "batch size, images per optimizer step", at_least=1)
    opt: Literal["adamw", "muon", "sgd"] = option("adamw", "optimizer")
    lr: float = option(3e-3, "peak learning rate, after warm-up")
    min_lr: float = option(1e-5, "final learning rate of the cosine schedule")
    warmup_epochs: float = option(0.5, "warm-up: epochs of linear growth up to the peak learning rate")
    momentum: float = option(0.9, "momentum, for SGD and Muon", below=1)
    nesterov: bool = option(False, "Nesterov momentum, for SGD")
    weight_decay: float = option(
        0.1, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    clip_grad: float = option(1.0, "gradient norm clipping: largest global norm; 0: off")
    label_smoothing: float = option(0.0, "label smoothing: share of the target given evenly to all classes", below=1)
    class_weights: str | tuple[float, ...] | None = option(
        None, "class weights in the loss: balanced (inverse frequency), or a file of lines such as cat,2.5"
    )
    ema_decay: float = option(
        0.0, "exponential moving average (EMA) of the weights: its decay; the average is evaluated; 0: off", below=1
    )
    seed: int = option(0, "random seed of the whole run", below=2**64)
    device: str = option("auto", "device: auto, cpu, cuda or cuda:<index>")
    precision: Literal["fp32", "tf32", "bf16"] = option(
        "fp32", "precision of matrix products on a GPU; tf32 and bf16 round their inputs and are faster"
    )
    kernels: Literal["auto", "plain"] = option("auto", "GPU kernels: fused where available (auto), or plain ops")
    micro_batch: int = option(
        0, "images per forward and backward; gradient accumulation up to batch_size; 0: automatic"
    )
    checkpoint_seconds: float = option(30.0, "checkpoint interval in seconds, besides the end of each epoch")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task != type(self).task:
            raise UserError(
                f"a {type(self).__name__} is of the task {type(self).task}, got {self.task}: leave it out, or take the "
                "config of that"
            )
        if self.nesterov and not (self.opt == "sgd" and self.momentum):
            raise UserError(
                f"nesterov needs opt sgd and a momentum above 0, got {self.opt} and {self.momentum:g}: leave it out"
            )

    @property
    def dataset_name(self) -> str:
        """Name of the data set, in a word."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class TrainConfig(RunConfig):
    """A run of `tinyvit train`. The defaults train a tiny ViT on MNIST in a few minutes."""

    least_epochs: ClassVar[int] = 1  # in which all can be seen to work

    data_dir: str | None = option(None, "folder of the data set: its files, or images as train/<class>/ or <class>/")
    dataset: Literal[
        "auto", "mnist", "fashion-mnist", "kmnist",
        "emnist-balanced", "emnist-byclass", "emnist-bymerge", "emnist-letters", "emnist-digits", "emnist-mnist",
        "cifar-10", "cifar-100", "cifar-100-coarse", "idx", "folder",
    ] = option("auto", "data set; auto: recognised in --data-dir, mnist without one")  # fmt: skip
    augment: Literal["none", "shift", "affine"] = option("affine", "data augmentation of training images")
    shift: int = option(1, "random translation in each direction, at most, in pixels (augment shift)")
    degrees: float = option(8.0, "random rotation, at most, in degrees (augment affine)")
    translate: float = option(1.0, "random translation in each direction, at most, in pixels (augment affine)")
    scale: float = option(
        0.08, "random scaling, at most, as a fraction: 0.08 is 92 to 108 percent (augment affine)", below=1
    )
    shear: float = option(0.0, "random shear, at most, in degrees (augment affine)", below=90)
    elastic: float = option(
        0.0, "elastic distortion: standard deviation of smooth displacements, in pixels (augment affine)"
    )
    workers: Literal["auto"] | int = option(
        "auto", "data-parallel worker processes, for a large model threads; auto: one per core", at_least=1
    )
    distributed: bool = option(False, "data parallelism over the ranks started by mpiexec")

    @property
    def dataset_name(self) -> str:
        if self.dataset in ("folder", "idx"):
            return dataset_name(self.data_dir or self.dataset)
        return "mnist" if self.dataset == "auto" else self.dataset


@dataclasses.dataclass(frozen=True)
class FinetuneConfig(RunConfig):
    """A run of `tinyvit finetune`: a pretrained model goes on learning, on images in folders.

    Raises:
        UserError: a value makes no sense, or two do not go together.
    """

    verb: ClassVar[str] = "finetune"

    model: ViTConfig = PRESETS["vit_base_patch16_224"]
    pretrained: str = option("google/vit-base-patch16-224", "pretrained model: folder, .npz file or run")
    data_dir: str | None = option(
        None, "folder of images: train/<class>/, val/<class>/, test/<class>/; or just <class>/"
    )
    labels: str | None = option(
        None,
        "multi-label classification: CSV table of file, class names (a|b) or columns of 0 and 1, optional split; a "
        "number: few labels of the data set that the model is from",
    )
    multi_label: bool = option(
        False, "multi-label classification by folders: a/b/p.jpg is of a and of b; implied by --labels"
    )
    threshold: float = option(
        0.5, "decision threshold of multi-label classification: smallest probability of a yes", below=1.0001
    )
    epochs: int = option(5, "epochs, passes over the training split", at_least=1)
    batch_size: int = option(32, "batch size, images per optimizer step", at_least=1)
    lr: float = option(2e-5, "peak learning rate, after warm-up")
    min_lr: float = option(0.0, "final learning rate of the cosine schedule")
    weight_decay: float = option(
        0.01, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    tune: Literal["all", "last", "head"] = option(
        "all", "layers that are trained: all, the last blocks, or the head alone (linear probing)"
    )
    last_blocks: int = option(2, "trained blocks with tune last, besides the last norm and the head", at_least=1)
    layer_decay: float = option(
        1.0, "layer-wise learning-rate decay: factor per block, downwards; 1: off", at_least=1e-3, below=1.0001
    )
    recompute: bool = option(
        False, "activation checkpointing: recompute blocks in the backward; memory of about one block, a third slower"
    )
    crop_scale: float = option(
        0.6, "random resized crops: smallest share of the image area; 1: no crops", at_least=0.01, below=1.0001
    )
    flip: float = option(0.5, "probability of a horizontal flip; 0: never (digits, text)", below=1.0001)
    rand_augment: int = option(0, "RandAugment magnitude, 0 to 10; 0: off", below=11)
    erasing: float = option(0.0, "probability of random erasing", below=1.0001)
    mixup: float = option(0.0, "mixup alpha; 0: off, 0.8: usual", below=100)
    cutmix: float = option(0.0, "CutMix alpha; 0: off, 1: usual", below=100)
    threads: Literal["auto"] | int = option("auto", "data-parallel threads; auto: one per core", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels:
            object.__setattr__(self, "multi_label", True)
            object.__setattr__(self, "data_dir", self.data_dir or str(Path(self.labels).parent))
        if self.threshold != 0.5 and not self.multi_label:
            raise UserError(
                f"threshold is for images of any number of classes, got {self.threshold:g}: give labels or "
                "multi_label too, or leave it out"
            )

    @property
    def dataset_name(self) -> str:
        return dataset_name(self.data_dir or "pictures")


def dataset_name(folder: str | os.PathLike[str]) -> str:
    """Name of a data set in a folder: the folder's, with "_" for what is not UTF-8, so that JSON takes it."""
    return os.fsencode(Path(folder).resolve().name).decode(errors="replace").replace("\ufffd", "_")
