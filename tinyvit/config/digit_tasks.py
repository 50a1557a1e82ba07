"""Configs of the tasks made of digits: rows to read, classes that come task by task. Their defaults are the recipes."""

import dataclasses
from typing import ClassVar, Literal

from .fields import option
from .presets import PRESETS
from .run import TrainConfig
from .vit import ViTConfig

ROWS = dataclasses.replace(
    PRESETS["tiny"], img_size=(28, 84), class_token=False, num_registers=3, pool="mean", stem="conv"
)


@dataclasses.dataclass(frozen=True)
class ReadConfig(TrainConfig):
    """A run of `tinyvit train --task read`: the digits of a row, from left to right."""

    is_classifier: ClassVar[bool] = False
    model: ViTConfig = ROWS
    task: str = option("read", "learning task")
    epochs: int = option(8, "epochs; in each, every training digit begins a row", at_least=1)
    batch_size: int = option(64, "batch size, rows per optimizer step", at_least=1)
    lr: float = option(2e-3, "peak learning rate, after warm-up")
    digits: int = option(3, "digits of a row", at_least=1, below=17)


@dataclasses.dataclass(frozen=True)
class ContinualConfig(TrainConfig):
    """A run of `tinyvit train --task continual`: classes come task by task, and are forgotten, or not."""

    least_epochs: ClassVar[int] = 5  # one for each two digits
    is_classifier: ClassVar[bool] = False
    task: str = option("continual", "learning task")
    epochs: int = option(5, "epochs of all tasks together; each of as many images as a task has", at_least=1)
    lr: float = option(1e-3, "peak learning rate, after warm-up")
    min_lr: float = option(1e-3, "final learning rate of the cosine schedule; the peak rate: it stays")
    weight_decay: float = option(
        0.05, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    classes_per_task: int = option(2, "classes of each task", at_least=1)
    method: Literal["naive", "replay", "ewc", "lwf"] = option(
        "replay",
        "against forgetting: naive (nothing), replay, elastic weight consolidation, or learning without forgetting",
    )
    replay: int = option(500, "images of earlier tasks that are kept and are half of each batch (method replay)")
    ewc_lambda: float = option(1e3, "strength of the penalty on weights that mattered (method ewc)")
    lwf_lambda: float = option(1.0, "weight of the distillation from the model of before (method lwf)")
