"""Configs of the tasks: the fields that each adds to a training run, and defaults that are its recipe."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from ..errors import UserError
from .fields import option
from .presets import PRESETS
from .run import FinetuneConfig, RunConfig, TrainConfig
from .vit import ViTConfig

MAE_ENCODER = dataclasses.replace(PRESETS["tiny"], patch_size=4, num_classes=0, pool="mean")


@dataclasses.dataclass(frozen=True)
class MAEConfig(TrainConfig):
    """A run of `tinyvit train --task mae`: a masked autoencoder (He et al. 2022, arXiv:2111.06377)."""

    model: ViTConfig = MAE_ENCODER
    task: str = option("mae", "learning task")
    epochs: int = option(20, "epochs, passes over the training split", at_least=1)
    batch_size: int = option(256, "batch size, images per optimizer step", at_least=1)
    lr: float = option(2e-3, "peak learning rate, after warm-up")
    weight_decay: float = option(
        0.05, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    clip_grad: float = option(1.0, "gradient clipping: largest norm of all gradients together; 0: off")
    translate: float = option(2.0, "random translation in each direction, at most, in pixels (augment affine)")
    mask_ratio: float = option(0.75, "masking ratio: fraction of the patches that the encoder does not see", below=1)
    decoder_embed_dim: int = option(32, "width of the decoder's tokens", at_least=1)
    decoder_depth: int = option(1, "blocks of the decoder")
    decoder_num_heads: int = option(4, "attention heads of the decoder", at_least=1)
    norm_pix_eps: float = option(0.05, "epsilon of the patches' variance in the target, in normalised pixels")


CANVAS = dataclasses.replace(PRESETS["tiny"], img_size=56, stem="conv")
WITH_BACKGROUND = dataclasses.replace(CANVAS, num_classes=11)


@dataclasses.dataclass(frozen=True)
class SceneConfig(TrainConfig):
    """Fields of segmentation and detection: on canvases of several digits, or a data set of one's own."""

    model: ViTConfig = CANVAS
    epochs: int = option(4, "epochs, passes over the training split", at_least=1)
    batch_size: int = option(32, "batch size, images per optimizer step", at_least=1)
    lr: float = option(3e-3, "peak learning rate, after warm-up")
    warmup_epochs: float = option(0.1, "warm-up: epochs of linear growth up to the peak learning rate")
    weight_decay: float = option(
        0.05, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    augment: Literal["none", "shift", "affine"] = option("none", "data augmentation of training images")
    max_digits: int = option(4, "images on a canvas, at most", at_least=1)


@dataclasses.dataclass(frozen=True)
class SegmentConfig(SceneConfig):
    """A run of `tinyvit train --task segment`: semantic segmentation (Strudel et al. 2021, arXiv:2105.05633)."""

    model: ViTConfig = WITH_BACKGROUND
    task: str = option("segment", "learning task")
    foreground_weight: float = option(3.0, "weight in the loss of pixels of all classes but the first")


@dataclasses.dataclass(frozen=True)
class DetectConfig(SceneConfig):
    """A run of `tinyvit train --task detect`: boxes and classes by dense heads (Tian et al. 2019, arXiv:1904.01355)."""

    task: str = option("detect", "learning task")
    focal_alpha: float = option(0.25, "alpha of the focal loss: weight of what is there", below=1.0001)
    focal_gamma: float = option(2.0, "gamma of the focal loss: how much less the easy counts")
    box_weight: float = option(1.0, "weight of the boxes' GIoU loss")
    nms_iou: float = option(0.4, "non-maximum suppression: largest IoU of two boxes that are kept", below=1.0001)
    min_score: float = option(0.05, "score of a box that is kept, at least", below=1.0001)
    max_boxes: int = option(12, "boxes that are kept of an image, at most", at_least=1)


CONFIGS: dict[str, type[TrainConfig]] = {
    "classify": TrainConfig,
    "mae": MAEConfig,
    "segment": SegmentConfig,
    "detect": DetectConfig,
}


def config_of(values: Mapping[str, Any]) -> RunConfig:
    """The inverse of `RunConfig.to_dict`, of a run of any verb and task; without a task, it classifies.

    Raises:
        UserError: there is no such task, or as `Config.from_dict`.
    """
    if "pretrained" in values:
        return FinetuneConfig.from_dict(values)
    return task_config(values.get("task", "classify")).from_dict(values)


def task_config(task: Any) -> type[TrainConfig]:
    """The class of a task's configs.

    Raises:
        UserError: there is no such task.
    """
    if not isinstance(task, str) or task not in CONFIGS:
        raise UserError(f"there is no task called {task!r}: choose from {', '.join(CONFIGS)}")
    return CONFIGS[task]
