"""The result of reading: a sequence of classes for each image, right if all of it is."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split
from ..plots import plot_confusion
from .report import classification_report, confusion_by_name


class Reading(NamedTuple):
    """Predicted sequences of M classes for n images: an `Evaluation`."""

    labels: np.ndarray  # int64 (n, M), the true classes from left to right
    predictions: np.ndarray  # int64 (n, M)
    losses: np.ndarray  # (n,), mean cross-entropy of each sequence, in nats

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    @property
    def loss(self) -> float:
        """The mean over the images."""
        return float(self.losses.mean(dtype=np.float64))

    @property
    def measures(self) -> dict[str, float]:
        """The share of sequences that are right from end to end decides; then that of their parts."""
        right = self.predictions == self.labels
        return {"rows": float(right.all(axis=1).mean()), "digits": float(right.mean())}

    @property
    def in_words(self) -> str:
        """Both, and the loss."""
        rows, digits = (100 * measure for measure in self.measures.values())
        return f"{rows:.2f} % of rows all right, {digits:.2f} % of digits, loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """Accuracy at each place, from left to right."""
        places = 100 * (self.predictions == self.labels).mean(axis=0)
        return "right by place, from the left: " + ", ".join(f"{place:.2f} %" for place in places)

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """`classification_report` of all places together."""
        return classification_report(*confusion_by_name(self.labels.ravel(), self.predictions.ravel(), class_names))

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Confusion of all places together."""
        by_name = confusion_by_name(self.labels.ravel(), self.predictions.ravel(), class_names)
        return {"confusion": plot_confusion(*by_name)}
