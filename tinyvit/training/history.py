"""What is left to tell of a run that has come to its end."""

from pathlib import Path
from typing import Any, NamedTuple

from ..datasets import Dataset


class History(NamedTuple):
    """What a finished run has to tell."""

    folder: Path
    epochs: list[dict[str, Any]]  # one dict each: epoch, train_loss, dev_loss, one of `MEASURES`, lr
    best_epoch: int  # 1-based, chosen on the dev split
    test: Any  # Evaluation or MultiLabelEvaluation of the best epoch's weights
    report: str  # precision, recall and F1 per class on the test split
    dataset: Dataset | None = None  # the pictures, after fine-tuning
