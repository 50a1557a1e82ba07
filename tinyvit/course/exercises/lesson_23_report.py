# mypy: disable-error-code="no-untyped-def"
"""Lesson 23, the classification report: precision, recall and F1 of each class, and three kinds of means."""

from collections.abc import Iterator

import numpy as np

from ...backend import bincount
from ..exercise import Case, add

# --- 23.5 ---


def report_numbers(labels, predictions, num_classes):
    return _report(labels, predictions, num_classes)


def _counts(labels, predictions, K):
    right = np.array([((labels == k) & (predictions == k)).sum() for k in range(K)])
    return right, bincount(predictions, minlength=K), bincount(labels, minlength=K)


def _ratio(above, below):
    return above / np.maximum(below, 1)


def _scores(right, found, true, *, ratio=_ratio):
    return np.stack([ratio(right, found), ratio(right, true), ratio(2 * right, found + true)], axis=1)


def _means(scores, right, support, *, macro=lambda scores, support: scores.mean(axis=0), weights=None):
    weights = support if weights is None else weights
    micro = np.full(3, right.sum() / support.sum())
    return np.stack([micro, macro(scores, support), weights @ scores / weights.sum()])


def _report(labels, predictions, K, *, scores=_scores, **means):
    right, found, support = _counts(labels, predictions, K)
    of_classes = scores(right, found, support)
    return of_classes, support, _means(of_classes, right, support, **means)


@np.errstate(all="ignore")
def _f1_of_means(scores, support):
    precision, recall, _ = scores.mean(axis=0)
    return np.array([precision, recall, 2 * precision * recall / (precision + recall)])


@np.errstate(all="ignore")
def _nan_scores(right, found, true):
    return _scores(right, found, true, ratio=lambda above, below: above / below)


def _arithmetic(right, found, true):
    scores = _scores(right, found, true)
    scores[:, 2] = scores[:, :2].mean(axis=1)
    return scores


def _product(right, found, true):
    scores = _scores(right, found, true)
    scores[:, 2] = scores[:, 0] * scores[:, 1] / np.where(right > 0, scores[:, 0] + scores[:, 1], 1)
    return scores


def _weighted_by_found(labels, predictions, K):
    right, found, support = _counts(labels, predictions, K)
    scores = _scores(right, found, support)
    return scores, support, _means(scores, right, support, weights=found)


def _micro_without_0(labels, predictions, K):
    """Micro averages over all classes but 0, as where class 0 is O."""
    right, found, support = _counts(labels, predictions, K)
    scores, _, means = _report(labels, predictions, K)
    return (
        scores,
        support,
        np.stack([_scores(*(np.sum(n[1:], keepdims=True) for n in (right, found, support)))[0], *means[1:]]),
    )


@np.errstate(all="ignore")
def _f1_of_weighted(labels, predictions, K):
    scores, support, means = _report(labels, predictions, K)
    precision, recall, _ = means[2]
    return scores, support, np.stack([*means[:2], [precision, recall, 2 * precision * recall / (precision + recall)]])


def _not_divided(labels, predictions, K):
    scores, support, means = _report(labels, predictions, K)
    return scores, support, np.stack([*means[:2], support @ scores])


def _ones_for_none(right, found, true):
    scores = _scores(right, found, true, ratio=lambda above, below: np.where(below > 0, _ratio(above, below), 1.0))
    both = scores[:, 0] + scores[:, 1]
    return np.column_stack([scores[:, :2], 2 * scores[:, 0] * scores[:, 1] / np.where(both > 0, both, 1)])


def _micro_is_macro(labels, predictions, K):
    scores, support, means = _report(labels, predictions, K)
    return scores, support, means[[1, 1, 2]]


def _class_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Labels of the integers that index an array: in a browser, `np.bincount` takes no wider ones."""
    for labels, predictions, K in _classes(rng):
        yield Case((labels.astype(np.intp), predictions.astype(np.intp), K))


def _classes(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    for n, K in ((40, 4), (25, 3), (60, 9), (35, 6)):
        never = K - 1  # neither true nor said; 0 is said in vain, 1 is never said
        labels = rng.integers(1, never, n)
        labels[:2] = 1
        predictions = np.where(rng.random(n) < 0.6, labels, rng.integers(0, never, n))
        predictions[predictions == 1] = 0
        predictions[-1] = 0
        yield labels, predictions, K
    for n, K in ((50, 5), (30, 3)):
        labels = rng.choice(K, n, p=np.arange(1, K + 1) / (K * (K + 1) / 2))
        labels[:K] = range(K)
        predictions = np.where(rng.random(n) < 0.7, labels, rng.integers(0, K, n))
        predictions[0] = K - 1  # the commonest is said too often
        yield labels, predictions, K
    yield np.array([2]), np.array([2]), 4
    yield np.zeros(5, int), np.zeros(5, int), 1


add(
    "23.5",
    report_numbers,
    _class_cases,
    outputs=("scores", "support", "averages"),
    not_to_call=("evaluation/report", "confusion_matrix"),
    mistakes={
        "precision and recall changed places: precision is divided by how often a class was said": (
            lambda labels, predictions, K: _report(
                labels, predictions, K, scores=lambda right, found, true: _scores(right, true, found)
            )
        ),
        "0 / 0 must count as 0; divide by 1 at least": (
            lambda labels, predictions, K: _report(labels, predictions, K, scores=_nan_scores)
        ),
        "F1 is 2 right / (found + support); yours is the plain mean of precision and recall": (
            lambda labels, predictions, K: _report(labels, predictions, K, scores=_arithmetic)
        ),
        "F1 is half of what it should be: a 2 is missing": (
            lambda labels, predictions, K: _report(labels, predictions, K, scores=_product)
        ),
        "the macro average of F1 is the mean of the classes' F1; yours is the F1 of the mean precision and recall": (
            lambda labels, predictions, K: _report(labels, predictions, K, macro=_f1_of_means)
        ),
        "the macro average leaves out classes without support; here all K count": (
            lambda labels, predictions, K: _report(
                labels, predictions, K, macro=lambda scores, support: scores[support > 0].mean(axis=0)
            )
        ),
        "the macro average leaves out classes that are neither true nor said; here all K count": (
            lambda labels, predictions, K: _report(
                labels,
                predictions,
                K,
                macro=lambda scores, support: scores[(support > 0) | (bincount(predictions, minlength=K) > 0)].mean(
                    axis=0
                ),
            )
        ),
        "the micro average leaves out class 0; here it is of all classes, and so it is the accuracy": _micro_without_0,
        "the weighted average of F1 is that of the classes' F1; yours is the F1 of the weighted precision and recall": (
            _f1_of_weighted
        ),
        "the weighted average must be divided by the number of labels": _not_divided,
        "a class that is never said, or never true, has 0, not 1: 0 / 0 counts as 0": (
            lambda labels, predictions, K: _report(labels, predictions, K, scores=_ones_for_none)
        ),
        "averages has a row for each kind of average; yours has a column for each": (
            lambda labels, predictions, K: (lambda a, b, c: (a, b, c.T))(*_report(labels, predictions, K))
        ),
        "the weighted average is weighted by support, how often a class is true, not by how often it was said": (
            _weighted_by_found
        ),
        "the first row of averages is the macro average; micro adds the counts of all classes up before it divides": (
            _micro_is_macro
        ),
        "macro and weighted changed places: the rows are micro, macro, weighted": (
            lambda labels, predictions, K: (lambda a, b, c: (a, b, c[[0, 2, 1]]))(*_report(labels, predictions, K))
        ),
        "support is how often a class is true; yours is how often it was said": (
            lambda labels, predictions, K: (lambda a, b, c: (a, bincount(predictions, minlength=K), c))(
                *_report(labels, predictions, K)
            )
        ),
        "support is how often a class is true; yours is how often it was right": (
            lambda labels, predictions, K: (lambda a, b, c: (a, _counts(labels, predictions, K)[0], c))(
                *_report(labels, predictions, K)
            )
        ),
        "scores is (K, 3), a row for each class; yours has a column for each": (
            lambda labels, predictions, K: (lambda a, b, c: (a.T, b, c))(*_report(labels, predictions, K))
        ),
        "labels and predictions changed places": lambda labels, predictions, K: _report(predictions, labels, K),
    },
)
