"""The result of a segmentation: pixels of each class, and what they were taken for, over a whole split."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split
from ..errors import printable
from ..plots import plot_confusion
from .metrics.mean_iou import class_iou, mean_iou
from .report import report_row, score_rows

BACKGROUND = "background"
HEADINGS = ("IoU", "precision", "recall", "pixels")


class Segmentation(NamedTuple):
    """Classes of the pixels of n images against the truth: an `Evaluation`."""

    confusion: np.ndarray  # int64 (K, K), rows true classes, columns predicted ones
    losses: np.ndarray  # (n,), of the images

    @classmethod
    def of(cls, answers: np.ndarray) -> Self:
        """Answers (n, K*K + 1): of each image its confusion matrix and its loss."""
        K = round((answers.shape[1] - 1) ** 0.5)
        confusion = answers[:, :-1].sum(axis=0, dtype=np.float64).reshape(K, K)
        return cls(confusion.astype(np.int64), answers[:, -1].astype(np.float64))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        confusion = np.sum([part.confusion for part in parts], axis=0)
        return cls(confusion, np.concatenate([part.losses for part in parts]))

    @property
    def loss(self) -> float:
        """Mean cross-entropy of the images in nats, each with the weights of its pixels."""
        return float(self.losses.mean())

    @property
    def measures(self) -> dict[str, float]:
        """Mean IoU decides which epoch is best: most pixels are background, and pixel accuracy flatters."""
        return {"miou": mean_iou(self.confusion)}

    @property
    def in_words(self) -> str:
        """Mean IoU and loss."""
        return f"mean IoU {100 * mean_iou(self.confusion):.2f} %, loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """Mean IoU without the first class, and pixel accuracy."""
        others = class_iou(self.confusion)[1:]
        others = others[~np.isnan(others)]
        mean = f"without the background {100 * others.mean():.2f} %, " if others.size else ""
        accuracy = np.trace(self.confusion) / max(1, self.confusion.sum())
        return f"{mean}pixel accuracy {100 * accuracy:.2f} %"

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """IoU, precision, recall and pixels of each class that occurs."""
        names = [printable(name) for name in self._names(class_names)]
        width = max(map(len, [*names, "mean"]))
        support, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        scores = score_rows(np.diagonal(self.confusion), predicted, support)[:, :2]
        rows = np.concatenate([class_iou(self.confusion)[:, None], scores], axis=1)
        occurring = np.flatnonzero(support + predicted)

        def row(name: str, values: np.ndarray, pixels: int) -> str:
            return report_row(width, name, [*(f"{value:.4f}" for value in values), f"{pixels}"])

        lines = [report_row(width, "", HEADINGS), ""]
        lines += [row(names[k], rows[k], support[k]) for k in occurring]
        if occurring.size:
            lines += ["", row("mean", rows[occurring].mean(axis=0), support.sum())]
        return "\n".join(lines) + "\n"

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """The confusion matrix of the pixels."""
        return {"confusion": plot_confusion(self.confusion, self._names(class_names))}

    def _names(self, class_names: Sequence[str]) -> list[str]:
        """K names: on canvases, the background comes before the classes of what is pasted."""
        return [BACKGROUND] * (len(class_names) < len(self.confusion)) + list(class_names)
