"""Config of distillation: a small student and its teacher."""

import dataclasses
from typing import Literal

from .fields import option
from .presets import PRESETS
from .run import TrainConfig
from .vit import ViTConfig

STUDENT = dataclasses.replace(PRESETS["tiny"], embed_dim=32, depth=3, init_std=0.1)  # 28,202 parameters


@dataclasses.dataclass(frozen=True)
class DistillConfig(TrainConfig):
    """A run of `tinyvit train --task distill`: a small classifier learns from a trained one, as DeiT does.

    As on MNIST in Hinton, Vinyals, Dean 2015 (arXiv:1503.02531, section 3), the student sees no shifted or turned
    digits: what the teacher has learned from its own is in the probabilities that it gives to the wrong classes.
    """

    model: ViTConfig = STUDENT
    task: str = option("distill", "learning task")
    augment: Literal["none", "shift", "affine"] = option("none", "data augmentation of training images")
    teacher: str = option("auto", "teacher: folder of a classifier or a run; auto: for MNIST data/mnist-vit")
    distillation: Literal["soft", "hard"] = option(
        "soft", "distillation loss: soft, KL divergence from the teacher's probabilities; hard, its decision as a label"
    )
    alpha: float = option(0.9, "weight of the distillation loss, against that of the labels", below=1.0001)
    temperature: float = option(8.0, "softmax temperature of soft distillation", at_least=0.01, below=1000)
