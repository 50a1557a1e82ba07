"""Configs of segmentation and detection."""

import dataclasses
from typing import ClassVar, Literal

from .fields import option
from .presets import PRESETS
from .run import TrainConfig
from .vit import ViTConfig

CANVAS = dataclasses.replace(PRESETS["tiny"], img_size=56, stem="conv")
WITH_BACKGROUND = dataclasses.replace(CANVAS, num_classes=11)


@dataclasses.dataclass(frozen=True)
class SceneConfig(TrainConfig):
    """Fields of segmentation and detection: on canvases of several digits, or a data set of one's own."""

    is_classifier: ClassVar[bool] = False
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
