"""The result of a multi-label classification, where each class of an image is a yes or no by itself."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ..datasets import Split
from ..errors import UserError
from ..plots import PrecisionRecall, plot_precision_recall, plot_worst_sets
from .report import report_row, score_rows

AVERAGES = ("micro avg", "macro avg", "weighted avg", "samples avg")
HEADINGS = ("precision", "recall", "f1-score", "avg prec", "support")


class MultiLabel(NamedTuple):
    """Probabilities of each class by itself for n images against the truth: an `Evaluation`."""

    labels: np.ndarray  # booleans (n, K)
    probs: np.ndarray  # (n, K)
    threshold: float  # the least probability of a yes

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts of a split as one."""
        labels, probs = (np.concatenate(columns) for columns in zip(*(part[:2] for part in parts), strict=True))
        return cls(labels, probs, parts[0].threshold)

    @property
    def loss(self) -> float:
        """Mean binary cross-entropy over images and classes in nats, without label smoothing."""
        of_truth = np.where(self.labels, self.probs, 1.0 - self.probs)
        return float(-np.log(np.maximum(of_truth, np.finfo(np.float32).tiny), dtype=np.float64).mean())

    @property
    def mean_average_precision(self) -> float:
        """mAP, 0..1: the mean over the classes that are on an image at all; 0 if none is."""
        precisions = average_precisions(self.labels, self.probs)
        known = precisions[np.isfinite(precisions)]
        return float(known.mean()) if known.size else 0.0

    @property
    def predictions(self) -> np.ndarray:
        """The classes whose probability reaches the threshold: booleans (n, K)."""
        return self.probs >= self.threshold

    @property
    def measures(self) -> dict[str, float]:
        """mAP decides which epoch is best: it looks at the order of the probabilities, and at no threshold."""
        return {"map": self.mean_average_precision}

    @property
    def in_words(self) -> str:
        """mAP and loss."""
        return f"mAP {100 * self.mean_average_precision:.2f} %, loss {self.loss:.4f}"

    @property
    def details(self) -> str:
        """None: the report has them."""
        return ""

    def report(self, class_names: Sequence[str], *, in_full: bool = False) -> str:
        """`multi_label_report`, which is full in any case."""
        return multi_label_report(self.labels, self.probs, class_names, self.threshold)

    def figures(self, split: Split, class_names: Sequence[str], *, in_full: bool = False) -> dict[str, Any]:
        """Precision-recall curves of the classes that are on an image, and the worst answers."""
        curves = precision_recall_curves(self, class_names)
        drawn = {"precision_recall": plot_precision_recall(curves, self.threshold)} if curves else {}
        worst = plot_worst_sets(split.images, self.labels, self.probs, self.threshold, class_names)
        return drawn | {"mistakes": worst}


def average_precisions(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """`average_precision` of each class: booleans (n, K) and scores (n, K) -> (K,)."""
    return np.array([average_precision(*of_class) for of_class in zip(labels.T, scores.T, strict=True)])


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """The area under the steps of the precision-recall curve of one class:

        AP = Σ_i (R_i - R_{i-1}) P_i

    P_i and R_i are precision and recall where all images count as found whose score is at least the i-th highest one;
    equal scores are found together. Going down the list, each true image adds the precision at its place.

    Source: Manning, Raghavan, Schütze 2008, "Introduction to Information Retrieval", section 8.4; steps instead of
    trapezoids, as scikit-learn's `average_precision_score` has them.

    Args:
        labels: booleans (n,).
        scores: (n,), higher where the class is more probable.

    Returns:
        0..1; NaN where no label is true.
    """
    if not labels.any():
        return float("nan")
    recall, precision = precision_recall(labels, scores)
    return float(np.diff(recall, prepend=0.0) @ precision)


def precision_recall(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision (m,) where each of the m different scores is the least one found, from the highest on.

    Args:
        labels: booleans (n,), not all of them false.
        scores: (n,).
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each group of equal scores
    hits = np.cumsum(labels[order])[last]
    return hits / hits[-1], hits / (last + 1)


def precision_recall_curves(evaluation: MultiLabel, class_names: Sequence[str]) -> list[PrecisionRecall]:
    """The curve of each class that is on an image, and the point on it that the threshold chooses."""
    labels, curves = evaluation.labels, []
    for k in map(int, np.flatnonzero(labels.any(axis=0))):
        of_class, scores = labels[:, k], evaluation.probs[:, k]
        hits, found = (of_class & evaluation.predictions[:, k]).sum(), evaluation.predictions[:, k].sum()
        at = float(hits / of_class.sum()), float(hits / found) if found else 0.0
        area = average_precision(of_class, scores)
        curves.append(
            PrecisionRecall(class_names[k], int(of_class.sum()), area, *precision_recall(of_class, scores), at)
        )
    return curves


def multi_label_report(labels: np.ndarray, probs: np.ndarray, class_names: Sequence[str], threshold: float) -> str:
    """Precision, recall, F1 and average precision of each class and their averages, laid out as scikit-learn's report.

        precision = hits / predicted      recall = hits / support      F1 = 2 hits / (predicted + support)

    Micro averages count hits of all classes together, macro averages the classes' numbers, weighted ones by support,
    and samples averages those of the images. Every quotient with a zero below the line counts as 0.0. Classes that
    are neither true nor predicted anywhere are left out; the last lines say how many.

    Args:
        labels: the truth, booleans (n, K).
        probs: probabilities (n, K).
        class_names: K names.
        threshold: the least probability of a yes.

    Raises:
        UserError: the shapes do not fit together.
    """
    if labels.shape != probs.shape or labels.shape[1:] != (len(class_names),):
        raise UserError(
            f"labels and probabilities must be (n, {len(class_names)}), a column for each class name, got "
            f"{labels.shape} and {probs.shape}: pass one row for each image"
        )
    predicted = probs >= threshold
    kept = np.flatnonzero((labels | predicted).any(axis=0))
    names, labels, predicted = [class_names[int(k)] for k in kept], labels[:, kept], predicted[:, kept]
    precisions = average_precisions(labels, probs[:, kept])
    hits, support, yes = (array.sum(axis=0) for array in (labels & predicted, labels, predicted))
    scores, total = score_rows(hits, yes, support), int(support.sum())
    weights = support / max(total, 1)
    of_samples = score_rows(*((labels & predicted).sum(axis=1), predicted.sum(axis=1), labels.sum(axis=1)))
    averages = (
        score_rows(*(array.sum(keepdims=True) for array in (hits, yes, support)))[0],
        scores.mean(axis=0) if len(kept) else np.zeros(3),
        weights @ scores,
        of_samples.mean(axis=0),
    )
    has_any = support > 0
    macro = float(precisions[has_any].mean()) if has_any.any() else float("nan")
    weighted = float(weights[has_any] @ precisions[has_any]) if has_any.any() else float("nan")
    width = max(map(len, (*names, *AVERAGES)))

    def row(name: str, three: np.ndarray, precision: float, count: int) -> str:
        last = "-" if np.isnan(precision) else f"{precision:.4f}"
        return report_row(width, name, [*(f"{number:.4f}" for number in three), last, str(count)])

    nothing = float("nan")
    lines = [
        report_row(width, "", HEADINGS),
        "",
        *(row(*of_class) for of_class in zip(names, scores, precisions, support, strict=True)),
        "",
        *(
            row(name, three, precision, total)
            for name, three, precision in zip(AVERAGES, averages, (nothing, macro, weighted, nothing), strict=True)
        ),
        "",
        f"threshold {threshold:g}; all classes right on {100 * (labels == predicted).all(axis=1).mean():.2f} % of the "
        f"images; {100 * (labels != predicted).sum() / probs.size:.2f} % of all answers wrong (Hamming loss)",
    ]
    if lost := len(class_names) - len(kept):
        lines.append(f"{lost:,} of {len(class_names):,} classes are neither true nor predicted anywhere: left out")
    if unknown := [name for name, has in zip(names, has_any, strict=True) if not has]:
        lines.append(f"{len(unknown):,} without a true image have no average precision and are not in the mAP")
    return "\n".join(lines) + "\n"
