"""The result of adding classes: accuracy on those known before, before and after, beside that on the new ones."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split
from .classification import Classification


class AddedClasses(NamedTuple):
    """Predictions among all classes, of images of those known before and of new ones: an `Evaluation`."""

    all_classes: Any  # a Classification
    num_known: int  # classes known before: the first ones
    accuracy_before: float | None  # on the images of those, before; None where it was not measured

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        return parts[0]._replace(all_classes=Classification.joined([part.all_classes for part in parts]))

    @property
    def loss(self) -> float:
        """Mean cross-entropy over all images."""
        return self.all_classes.loss

    @property
    def _groups(self) -> dict[str, tuple[int, float]]:
        """Images and accuracy of the classes known before and of the new ones; without those that have no image."""
        right, is_old = self.all_classes.rank == 0, self.all_classes.labels < self.num_known
        rows = {"known": is_old, "new": ~is_old}
        return {name: (int(some.sum()), float(right[some].mean())) for name, some in rows.items() if some.any()}

    @property
    def measures(self) -> dict[str, float]:
        """Average accuracy of the two groups of classes, however many images each has; then each by itself."""
        accuracies = {f"{name}_accuracy": accuracy for name, (_, accuracy) in self._groups.items()}
        return {"average_accuracy": float(np.mean([*accuracies.values()])), **accuracies}

    @property
    def in_words(self) -> str:
        """Accuracy of both groups, and the loss."""
        said = [f"{100 * accuracy:.2f} % on {GROUPS[name]}" for name, (_, accuracy) in self._groups.items()]
        return f"accuracy {' and '.join(said)}, loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """Forgetting of the classes known before, where it was measured."""
        known = self._groups.get("known")
        if known is None or self.accuracy_before is None:
            return "how much was forgotten could not be measured: there are no images of the classes known before"
        return f"forgetting {100 * (self.accuracy_before - known[1]):.2f} points of {100 * self.accuracy_before:.2f} %"

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """Before and after, beside each other, and the report of all classes."""
        counts = {"known": self.num_known, "new": len(class_names) - self.num_known}
        lines = [f"{'Accuracy (%) among all classes':<32}{'classes':>8}{'images':>8}{'before':>8}{'after':>8}", ""]
        for name, (images, accuracy) in self._groups.items():
            before = self.accuracy_before if name == "known" else None
            said = "-" if before is None else f"{100 * before:.2f}"
            lines.append(f"{GROUPS[name]:<32}{counts[name]:>8,}{images:>8,}{said:>8}{100 * accuracy:>8.2f}")
        return "\n".join([*lines, "", self.details, "", self.all_classes.report(class_names, in_full=in_full)])

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Figures of a classification."""
        return self.all_classes.figures(split, class_names, in_full=in_full)


GROUPS = {"known": "classes known before", "new": "new classes"}
