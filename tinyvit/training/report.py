"""What a classifier gets right and wrong, class by class: the confusion matrix and the table made from it."""

from collections.abc import Sequence

import numpy as np

from ..errors import UserError

AVERAGES = ("micro avg", "macro avg", "weighted avg")


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """How often each class was taken for each other one.

    Args:
        labels: true classes, integers (n,).
        predictions: predicted classes, integers (n,).
        num_classes: K.

    Returns:
        Counts, int64 (K, K): row = true class, column = predicted class.

    Raises:
        UserError: a class is outside 0..K-1, or the two arrays differ in length.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise UserError(
            f"labels and predictions must be two lists of equal length, got shapes {labels.shape} "
            f"and {predictions.shape}: pass one prediction for each label"
        )
    for name, classes in (("labels", labels), ("predictions", predictions)):
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise UserError(
                f"{name} must lie in 0..{num_classes - 1}, got {classes.min()}..{classes.max()}: "
                "check that the model and the dataset have the same classes"
            )
    cells = labels.astype(np.int64) * num_classes + predictions.astype(np.int64)
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def classification_report(confusion: np.ndarray, class_names: Sequence[str], digits: int = 4) -> str:
    """Precision, recall and F1 of each class and their averages, laid out as by scikit-learn's function.

        precision = right / predicted      recall = right / support      F1 = 2 right / (predicted + support)

    Every quotient with a zero below the line counts as 0.0. scikit-learn prints either `accuracy` or
    `micro avg`; where each image has one label they are the same number, and both rows are here.

    Args:
        confusion: counts (K, K), rows true, columns predicted.
        class_names: K names.
        digits: digits after the decimal point.

    Raises:
        UserError: there is not one name for each class.
    """
    if len(class_names) != len(confusion):
        raise UserError(
            f"the confusion matrix has {len(confusion)} classes, got {len(class_names)} class names: "
            "pass one name for each class"
        )
    right, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    total = support.sum()
    scores = np.stack(
        [_ratio(right, predicted), _ratio(right, support), _ratio(2 * right, predicted + support)], axis=1
    )  # (K, 3)
    accuracy = float(_ratio(right.sum(), total))
    averages = (
        np.full(3, accuracy),
        scores.mean(axis=0),
        np.average(scores, axis=0, weights=support) if total else np.zeros(3),
    )

    width = max(digits, *(len(name) for name in (*class_names, *AVERAGES)))

    def row(name: str, cells: Sequence[str]) -> str:
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in cells)

    def score_row(name: str, values: np.ndarray, count: int) -> str:
        return row(name, [*(f"{value:.{digits}f}" for value in values), str(count)])

    lines = [
        row("", ["precision", "recall", "f1-score", "support"]),
        "",
        *(score_row(*of_class) for of_class in zip(class_names, scores, support, strict=True)),
        "",
        row("accuracy", ["", "", f"{accuracy:.{digits}f}", str(total)]),
        *(score_row(name, values, total) for name, values in zip(AVERAGES, averages, strict=True)),
    ]
    return "\n".join(lines) + "\n"


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, and 0.0 where `below` is 0."""
    return np.where(below > 0, above / np.maximum(below, 1), 0.0)
