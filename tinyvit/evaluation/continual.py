"""The result of continual learning: classes that came task by task, and what is left of each task."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split
from ..plots.forgetting import plot_forgetting
from .classification import Classification
from .metrics.forgetting import average_accuracy, forgetting


class Continual(NamedTuple):
    """Probabilities of n images against the truth, task by task: an `Evaluation`.

    Class-incremental (class-IL): which of all classes is it? Task-incremental (task-IL): which of its task's, where
    the task is told (van de Ven, Tolias 2019, arXiv:1904.07734).
    """

    all_classes: Classification
    task_right: np.ndarray  # booleans (n,): the most probable class of its own task is the right one
    tasks: tuple[tuple[int, ...], ...]  # classes of each task, in the order they came
    matrix: np.ndarray  # (t, T), accuracies on the dev split after each of the t tasks learned

    @classmethod
    def of(cls, probs: np.ndarray, labels: np.ndarray, tasks: Sequence[Sequence[int]], matrix: np.ndarray) -> Self:
        """Probabilities (n, K) against the true classes (n,)."""
        right = np.zeros(len(labels), bool)
        for classes in tasks:
            rows = np.isin(labels, classes)
            right[rows] = np.asarray(classes)[probs[rows][:, list(classes)].argmax(axis=1)] == labels[rows]
        return cls(Classification.of(probs, labels), right, tuple(map(tuple, tasks)), matrix)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        whole = Classification.joined([part.all_classes for part in parts])
        right = np.concatenate([part.task_right for part in parts])
        return parts[0]._replace(all_classes=whole, task_right=right)

    @property
    def loss(self) -> float:
        """Mean cross-entropy over all classes."""
        return self.all_classes.loss

    @property
    def of_tasks(self) -> np.ndarray:
        """(T,), class-incremental accuracy on each task; 0 where it has no image."""
        right = self.all_classes.rank == 0
        rows = [np.isin(self.all_classes.labels, classes) for classes in self.tasks]
        return np.array([right[some].mean() if some.any() else 0.0 for some in rows])

    @property
    def measures(self) -> dict[str, float]:
        """Accuracy among all classes, learned already or not; then among those of each image's task."""
        tasks = {f"task_{task + 1}": float(accuracy) for task, accuracy in enumerate(self.of_tasks)}
        return {"accuracy": self.all_classes.accuracy, "task_il": float(self.task_right.mean()), **tasks}

    @property
    def in_words(self) -> str:
        """Accuracy both ways, and the loss."""
        return (
            f"class-incremental accuracy {100 * self.all_classes.accuracy:.2f} %, task-incremental "
            f"{100 * self.task_right.mean():.2f} %, loss {self.loss:.4f}"
        )

    @property
    def details(self) -> str:
        """Forgetting on the dev split, once two tasks were learned."""
        if len(self.matrix) < 2:
            return ""
        return (
            f"on dev, forgetting {100 * forgetting(self.matrix):.2f} %, average accuracy of the tasks "
            f"{100 * average_accuracy(self.matrix):.2f} %"
        )

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """The matrix of accuracies, and the classification report."""
        names = ["/".join(class_names[k] for k in classes) for classes in self.tasks]
        width = max(8, *(len(name) + 2 for name in names))
        lines = ["Accuracy (%) on dev of each task (columns) after learning each (rows), among all classes", ""]
        lines.append(" " * width + "".join(f"{name:>{width}}" for name in names))
        lines += [
            f"{name:>{width}}" + "".join(f"{100 * accuracy:>{width}.1f}" for accuracy in row)
            for name, row in zip(names, self.matrix, strict=False)
        ]
        return "\n".join([*lines, "", self.details, "", self.all_classes.report(class_names, in_full=in_full)])

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """The matrix of accuracies, beside those of a classification."""
        names = ["/".join(class_names[k] for k in classes) for classes in self.tasks]
        return self.all_classes.figures(split, class_names, in_full=in_full) | {
            "forgetting": plot_forgetting({"": self.matrix}, names)
        }
