"""Result of a finished run: its metrics, its best model, and that model's evaluation on the test split."""

from pathlib import Path
from typing import Any, NamedTuple

from ..config.run import RunConfig
from ..datasets import Dataset
from ..evaluation.result import Evaluation
from ..layers import Layer


class Best(NamedTuple):
    """The weights of the best epoch, with all that is needed to look closer; on rank 0 alone."""

    config: RunConfig
    model: Layer
    dataset: Dataset


class History(NamedTuple):
    """A finished run."""

    folder: Path
    epochs: list[dict[str, Any]]  # metrics: epoch, train_loss, dev_loss, the task's measures, lr
    best_epoch: int  # 1-based, chosen on the dev split
    test: Evaluation  # of the best epoch's weights
    report: str  # of the test split, class by class
    best: Best | None = None
