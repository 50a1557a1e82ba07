"""The result of a classification: five numbers for each image, however many classes and pixels it has."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split
from ..plots import plot_confusion, plot_reliability, plot_worst
from .calibration import Calibration, calibration
from .report import classification_report, confusion_by_name, confusion_text


class Classification(NamedTuple):
    """Predictions of one class for each of n images against the truth: an `Evaluation`."""

    labels: np.ndarray  # int64 (n,), the true classes
    predictions: np.ndarray  # int64 (n,), the most probable classes
    confidence: np.ndarray  # (n,), the probabilities of the predictions
    of_label: np.ndarray  # (n,), the probabilities of the true classes
    rank: np.ndarray  # int64 (n,), of the true class among all, from 0; of equal ones, the first is the better
    num_classes: int  # K

    @classmethod
    def of(cls, probs: np.ndarray, labels: np.ndarray) -> Self:
        """Probabilities (n, K) against the true classes (n,). Where that of the true class is NaN, it comes last."""
        n, num_classes = probs.shape
        rows, labels = np.arange(n), labels.astype(np.int64)
        of_label = probs[rows, labels]
        is_before = np.arange(num_classes) < labels[:, None]
        rank = (probs > of_label[:, None]).sum(axis=1) + (is_before & (probs == of_label[:, None])).sum(axis=1)
        rank[~np.isfinite(of_label)] = num_classes
        predictions = probs.argmax(axis=1)
        return cls(labels, predictions, probs[rows, predictions], of_label, rank, num_classes)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        columns = zip(*(part[:-1] for part in parts), strict=True)
        labels, predictions, confidence, of_label, rank = map(np.concatenate, columns)
        return cls(labels, predictions, confidence, of_label, rank, parts[0].num_classes)

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats, without label smoothing."""
        return float(-np.log(np.maximum(self.of_label, np.finfo(np.float32).tiny), dtype=np.float64).mean())

    @property
    def accuracy(self) -> float:
        """The share of images whose true class is the most probable one, 0..1."""
        return self.top(1)

    def top(self, k: int) -> float:
        """Top-k accuracy: the share of images whose true class is among the k most probable ones, 0..1."""
        return float((self.rank < k).mean())

    @property
    def measures(self) -> dict[str, float]:
        """Accuracy decides which epoch is best."""
        return {"accuracy": self.accuracy}

    @property
    def calibration(self) -> Calibration:
        """Confidence against accuracy."""
        return calibration(self.confidence, self.rank == 0)

    @property
    def in_words(self) -> str:
        """Accuracy and loss."""
        return f"accuracy {100 * self.accuracy:.2f} %, loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """Top-5 accuracy of more than 5 classes, and the calibration error."""
        error, bins = 100 * self.calibration.error, len(self.calibration.counts)
        top_5 = f"top-5 accuracy {100 * self.top(5):.2f} %, " if self.num_classes > 5 else ""
        return f"{top_5}expected calibration error {error:.2f} % ({bins} bins)"

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """`classification_report` of the classes that occur; `in_full`: with their confusion matrix."""
        confusion, names = confusion_by_name(self.labels, self.predictions, class_names)
        report = classification_report(confusion, names)
        return f"{report}\n{confusion_text(confusion, names)}" if in_full else report

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Confusion and the surest mistakes; `in_full`: with a reliability diagram."""
        figures = {
            "confusion": plot_confusion(*confusion_by_name(self.labels, self.predictions, class_names)),
            "mistakes": plot_worst(split.images, self.labels, self.predictions, self.confidence, class_names),
        }
        return figures | ({"reliability": plot_reliability(*self.calibration)} if in_full else {})
