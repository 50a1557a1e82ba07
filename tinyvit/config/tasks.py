"""Configs of the tasks by name. Each adds its fields to those of a training run, and its defaults are its recipe."""

from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from .add_classes import AddClassesConfig
from .digit_tasks import ContinualConfig, ReadConfig
from .distillation import DistillConfig
from .generation import GenerateConfig
from .mae import MAEConfig, TransferConfig
from .run import FinetuneConfig, RunConfig, TrainConfig
from .scenes import DetectConfig, SegmentConfig
from .text_tasks import SentimentConfig, TagConfig

CONFIGS: dict[str, type[TrainConfig]] = {
    "classify": TrainConfig,
    "transfer": TransferConfig,
    "mae": MAEConfig,
    "segment": SegmentConfig,
    "detect": DetectConfig,
    "generate": GenerateConfig,
    "distill": DistillConfig,
    "tag": TagConfig,
    "sentiment": SentimentConfig,
    "continual": ContinualConfig,
    "read": ReadConfig,
}


def config_of(values: Mapping[str, Any]) -> RunConfig:
    """The inverse of `RunConfig.to_dict`, of a run of any verb and task; without a task, it classifies.

    Raises:
        UserError: there is no such task, or as `Config.from_dict`.
    """
    if "pretrained" in values:
        return (AddClassesConfig if "num_known" in values else FinetuneConfig).from_dict(values)
    return task_config(values.get("task", "classify")).from_dict(values)


def task_config(task: Any) -> type[TrainConfig]:
    """The class of a task's configs.

    Raises:
        UserError: there is no such task.
    """
    if not isinstance(task, str) or task not in CONFIGS:
        raise UserError(f"there is no task called {task!r}: choose from {', '.join(CONFIGS)}")
    return CONFIGS[task]
