"""The result of judging words: good or bad, beside what always saying the more common one would reach."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..backend import bincount
from ..datasets import Split
from ..datasets.lexicon import GROUPS, spelled
from ..plots import plot_confusion
from ..plots.word_list import plot_words
from .classification import Classification
from .report import confusion_by_name, report_row

MAX_DRAWN = 16  # words of each list


class Sentiment(NamedTuple):
    """Probabilities of classes of n words against the truth: an `Evaluation`."""

    words: Classification
    groups: np.ndarray  # integers (n,), indices into `GROUPS`

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        return cls(
            Classification.joined([part.words for part in parts]), np.concatenate([part.groups for part in parts])
        )

    @property
    def loss(self) -> float:
        """Mean cross-entropy."""
        return self.words.loss

    def scores(self, group: int | None = None) -> tuple[float, float, int]:
        """Accuracy, the share of the most common class, and the number of words; of all, or of a group."""
        rows = np.full(len(self.groups), True) if group is None else self.groups == group
        count = int(rows.sum())
        if not count:
            return 0.0, 0.0, 0
        majority = bincount(self.words.labels[rows]).max() / count
        return float((self.words.rank[rows] == 0).mean()), float(majority), count

    @property
    def measures(self) -> dict[str, float]:
        """Accuracy decides which epoch is best."""
        accuracy, majority, _ = self.scores()
        return {"accuracy": accuracy, "above_majority": accuracy - majority}

    @property
    def in_words(self) -> str:
        """Accuracy beside that of the most common class, and the loss."""
        accuracy, majority, _ = self.scores()
        return f"accuracy {100 * accuracy:.2f} % (majority {100 * majority:.2f} %), loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """The same of each group."""
        return "; ".join(
            f"{name}: {100 * accuracy:.2f} % (majority {100 * majority:.2f} %)"
            for name, (accuracy, majority, count) in zip(GROUPS, map(self.scores, range(len(GROUPS))), strict=True)
            if count
        )

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """`classification_report`, and accuracy of each group of words beside the majority's."""
        width = max(map(len, GROUPS))
        lines = [report_row(width, "", ["accuracy", "majority", "words"]), ""]
        for group, name in enumerate(GROUPS):
            accuracy, majority, count = self.scores(group)
            lines.append(report_row(width, name, [f"{accuracy:.4f}", f"{majority:.4f}", str(count)]))
        return self.words.report(class_names, in_full=in_full) + "\n" + "\n".join(lines) + "\n"

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Confusion, and the words that the model was surest of, right and wrong."""
        words = spelled(split.images[:])
        by_sureness = np.argsort(-self.words.confidence, kind="stable")
        lists = {}
        for title, right in (("right", True), ("wrong", False)):
            rows = [row for row in by_sureness if (self.words.rank[row] == 0) == right][:MAX_DRAWN]
            lists[title] = [
                (words[row], class_names[self.words.predictions[row]], float(self.words.confidence[row]))
                for row in rows
            ]
        confusion = plot_confusion(*confusion_by_name(self.words.labels, self.words.predictions, class_names))
        return {"confusion": confusion, "words": plot_words(lists)}
