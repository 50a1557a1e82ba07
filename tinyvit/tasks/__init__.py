"""Tasks: how a batch is made, what the loss is, and what counts as good; one file a task."""

from typing import Any

from ..config.add_classes import AddClassesConfig
from ..config.run import RunConfig
from .add_classes import AddClasses
from .classify import Classify, loss_and_gradients
from .continual import Continual
from .detect import Detect
from .distill import Distill
from .generate import Generate
from .mae import MAE
from .read import Read
from .segment import Segment
from .sentiment import Sentiment
from .tag import Tag
from .task import ALL, Batch, Task
from .transfer import Transfer

TASKS: dict[str, Task[Any]] = {
    "classify": Classify(),
    "transfer": Transfer(),
    "mae": MAE(),
    "segment": Segment(),
    "detect": Detect(),
    "generate": Generate(),
    "distill": Distill(),
    "tag": Tag(),
    "sentiment": Sentiment(),
    "continual": Continual(),
    "read": Read(),
}


def task_of(config: RunConfig) -> Task[Any]:
    """The task that the config names."""
    return AddClasses() if isinstance(config, AddClassesConfig) else TASKS[config.task]


__all__ = ["ALL", "TASKS", "Batch", "Classify", "Task", "loss_and_gradients", "task_of"]
