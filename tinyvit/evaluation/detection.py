"""The result of a detection: boxes that were found in the images of a split, and those that are there."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..backend import bincount
from ..datasets import Split
from ..errors import printable
from ..plots.average_precision import plot_average_precision
from .metrics.average_precision import THRESHOLDS, average_precision
from .report import report_row

FIELDS = 6  # of a box that was found: x1 y1 x2 y2, class, score
HEADINGS = ("AP", "AP50", "AP75", "boxes")
AT_50, AT_75 = 0, 5  # places in THRESHOLDS


@dataclasses.dataclass(frozen=True)
class Detection:
    """Boxes in n images against the truth: an `Evaluation`."""

    boxes: np.ndarray  # (n, k, 4): x1 y1 x2 y2
    classes: np.ndarray  # int64 (n, k), NO_CLASS where there is no box
    scores: np.ndarray  # (n, k)
    truth: np.ndarray  # (n, M, 5): x1 y1 x2 y2 and the class, NO_CLASS where there is no box
    losses: np.ndarray  # (n,), of the images
    num_classes: int  # K

    @classmethod
    def of(cls, answers: np.ndarray, truth: np.ndarray, num_classes: int) -> Self:
        """Answers (n, 6 k + 1): of each image k boxes, as FIELDS says, and its loss."""
        found = answers[:, :-1].reshape(len(answers), -1, FIELDS)
        classes = found[..., 4].astype(np.int64)
        return cls(found[..., :4], classes, found[..., 5], truth, answers[:, -1].astype(np.float64), num_classes)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        arrays = [name for name, kind in cls.__annotations__.items() if kind is np.ndarray]
        columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
        return cls(**columns, num_classes=parts[0].num_classes)

    @functools.cached_property
    def average_precisions(self) -> np.ndarray:
        """(T, K), at each IoU threshold of each class; NaN of a class without a true box."""
        return average_precision(self.boxes, self.classes, self.scores, self.truth, num_classes=self.num_classes)

    def mean_average_precision(self, threshold: int | slice = slice(None)) -> float:
        """mAP, 0..1, at one of the THRESHOLDS, or the mean over all: of the classes that occur; 0 if none does."""
        precisions = self.average_precisions[threshold]
        known = precisions[~np.isnan(precisions)]
        return float(known.mean()) if known.size else 0.0

    @property
    def loss(self) -> float:
        """Mean of the images' losses: focal loss and GIoU."""
        return float(self.losses.mean())

    @property
    def measures(self) -> dict[str, float]:
        """COCO's mAP, the mean over IoU thresholds from 0.5 to 0.95, decides which epoch is best."""
        return {"map": self.mean_average_precision(), "map50": self.mean_average_precision(AT_50)}

    @property
    def in_words(self) -> str:
        """Both mAP and the loss."""
        mean, at_50 = (100 * value for value in self.measures.values())
        return f"mAP {mean:.2f} % (IoU 0.5 to 0.95), {at_50:.2f} % (IoU 0.5), loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """mAP at an IoU of 0.75, and the boxes' own, whatever class they are said to be of."""
        truth = np.concatenate([self.truth[..., :4], np.minimum(self.truth[..., 4:], 0)], axis=2)
        any_class = dataclasses.replace(self, classes=np.minimum(self.classes, 0), truth=truth, num_classes=1)
        return (
            f"mAP {100 * self.mean_average_precision(AT_75):.2f} % (IoU 0.75), AP of boxes of any class "
            f"{100 * any_class.mean_average_precision(AT_50):.2f} % (IoU 0.5)"
        )

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """Average precision and number of true boxes of each class that occurs."""
        names = [printable(name) for name in class_names]
        width = max(map(len, [*names, "mean"]))
        support = bincount(self.truth[..., 4][self.truth[..., 4] >= 0].astype(int), minlength=self.num_classes)
        table = np.stack([self.average_precisions.mean(axis=0), *self.average_precisions[[AT_50, AT_75]]], axis=1)

        def row(name: str, values: np.ndarray, count: int) -> str:
            return report_row(width, name, [*(f"{value:.4f}" for value in values), f"{count}"])

        occurring = np.flatnonzero(support)
        lines = [report_row(width, "", HEADINGS), "", *(row(names[k], table[k], support[k]) for k in occurring)]
        if occurring.size:
            lines += ["", row("mean", table[occurring].mean(axis=0), support.sum())]
        return "\n".join(lines) + "\n"

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Average precision of each class at each IoU threshold."""
        return {"average_precision": plot_average_precision(self.average_precisions, THRESHOLDS, class_names)}
