"""Classification report: the confusion matrix, and precision, recall and F1 of each class."""

from collections.abc import Sequence

import numpy as np

from ..backend import bincount
from ..errors import UserError, printable
from ..plots.confusion import most_confused
from ..plots.figure import shortened

AVERAGES = ("micro avg", "macro avg", "weighted avg")
MAX_CLASSES_IN_MATRIX = 12  # of text
MAX_PAIRS = 20
MAX_NAME_LENGTH = 40  # of a class, in a line with another
MAX_COLUMN_WIDTH = 8  # under the name of a class


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Confusion matrix: how often each class was taken for each other one.

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
    return bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def confusion_by_name(
    labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str]
) -> tuple[np.ndarray, list[str]]:
    """The confusion matrix of the classes that occur, as labels or predictions, and their names.

    A model may have thousands, of which a few are in the images; what never occurs would count as 0 in averages.

    Args:
        labels: true classes, integers (n,).
        predictions: predicted classes, integers (n,).
        class_names: K names.
    """
    occurring, numbers = np.unique(np.stack([labels, predictions]), return_inverse=True)
    labels, predictions = numbers.reshape(2, -1)
    return confusion_matrix(labels, predictions, len(occurring)), [class_names[k] for k in occurring]


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
    class_names = [printable(name) for name in class_names]
    right, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    total = support.sum()
    scores = score_rows(right, predicted, support)  # (K, 3)
    accuracy = float(_ratio(right.sum(), total))
    averages = (
        np.full(3, accuracy),
        scores.mean(axis=0),
        np.average(scores, axis=0, weights=support) if total else np.zeros(3),
    )

    width = max(digits, *(len(name) for name in (*class_names, *AVERAGES)))

    def score_row(name: str, values: np.ndarray, count: int) -> str:
        return report_row(width, name, [*(f"{value:.{digits}f}" for value in values), str(count)])

    lines = [
        report_row(width, "", ["precision", "recall", "f1-score", "support"]),
        "",
        *(score_row(*of_class) for of_class in zip(class_names, scores, support, strict=True)),
        "",
        report_row(width, "accuracy", ["", "", f"{accuracy:.{digits}f}", str(total)]),
        *(score_row(name, values, total) for name, values in zip(AVERAGES, averages, strict=True)),
    ]
    return "\n".join(lines) + "\n"


def report_row(width: int, name: str, cells: Sequence[str]) -> str:
    """A line of a report: a name and what belongs to it."""
    return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in cells)


def score_rows(right: np.ndarray, predicted: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Precision, recall and F1 from counts (K,): (K, 3)."""
    return np.stack([_ratio(right, predicted), _ratio(right, support), _ratio(2 * right, predicted + support)], axis=1)


def confusion_text(confusion: np.ndarray, class_names: Sequence[str]) -> str:
    """The confusion matrix as text; of more than 12 classes, only the pairs confused most often.

    Args:
        confusion: counts (K, K), rows true, columns predicted.
        class_names: K names.
    """
    if len(confusion) > MAX_CLASSES_IN_MATRIX:
        names, support = [shortened(name, MAX_NAME_LENGTH) for name in class_names], confusion.sum(axis=1)
        pairs = most_confused(confusion, MAX_PAIRS)
        lines = [f"{names[true]} -> {names[guess]}: {count:,} of {support[true]:,}" for true, guess, count in pairs]
        title = "Confused most often (true -> predicted class: mistakes of all of the true class)"
        return "\n".join([title, "", *(lines or ["none"])]) + "\n"
    class_names = [printable(name) for name in class_names]
    headings = [shortened(name, MAX_COLUMN_WIDTH) for name in class_names]
    first = max(map(len, class_names))
    width = max(len(f"{confusion.max():,}"), *map(len, headings)) + 2
    lines = [
        f"{name:>{first}}" + "".join(f"{count:>{width},}" for count in row)
        for name, row in zip(class_names, confusion, strict=True)
    ]
    header = " " * first + "".join(f"{name:>{width}}" for name in headings)
    return "\n".join(["Confusion (rows: true class, columns: predicted class)", "", header, *lines]) + "\n"


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, and 0.0 where `below` is 0."""
    return np.where(below > 0, above / np.maximum(below, 1), 0.0)
