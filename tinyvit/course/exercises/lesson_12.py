# mypy: disable-error-code="no-untyped-def"
"""Lesson 12, training on MNIST."""

from collections.abc import Iterator

import numpy as np

from ..compare import kind_of
from ..exercise import Case, NotAskedFor, add

# --- 12.1 ---


def accuracy(logits, labels):
    return float((logits.argmax(-1) == labels).mean())


def _as_float(share):
    return np.asarray(share, np.float64)


def _accuracy_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, classes in ((20, 3), (37, 10), (int(rng.integers(15, 30)), 5)):
        yield Case(_telling(rng, n, classes))
    logits, _ = _telling(rng, 20, 4)
    yield Case((logits, logits.argmax(-1)))
    yield Case((logits[:1], logits.argmin(-1)[:1]))


def _telling(rng: np.random.Generator, n: int, classes: int):
    """Logits and labels for which every usual mistake gives another number, and none gives 0 by chance."""
    while True:
        logits = rng.standard_normal((n, classes))
        logits[0, rng.integers(classes)] = 5.0  # the largest of all stands in row 0, where its place can be a class
        labels = np.where(rng.random(n) < 0.6, logits.argmax(-1), rng.integers(0, classes, n))
        answers = logits.argmax(-1), logits.argmin(-1), logits.argmax()
        counts = [int((answer == labels).sum()) for answer in answers]
        if len({0, n, n - counts[0], *counts}) == 6:
            return logits, labels


add(
    "12.1",
    accuracy,
    _accuracy_cases,
    outputs=("accuracy",),
    mistakes={
        "labels are classes already: compare with them as they are, and not with the place of the largest": (
            lambda logits, labels: float((logits.argmax(-1) == labels.argmax(-1)).mean())
        ),
        "that is how many are right; divide by how many there are": (
            lambda logits, labels: float((logits.argmax(-1) == labels).sum())
        ),
        "that is a percentage; return a share between 0 and 1": (
            lambda logits, labels: 100 * float((logits.argmax(-1) == labels).mean())
        ),
        "that is the share of wrong answers": lambda logits, labels: float((logits.argmax(-1) != labels).mean()),
        "you took the smallest logit of each row; the model's answer is the largest": (
            lambda logits, labels: float((logits.argmin(-1) == labels).mean())
        ),
        "argmax without an axis takes the largest of all logits; argmax(-1) takes the largest of each row": (
            lambda logits, labels: float((logits.argmax() == labels).mean())
        ),
        "max gives the largest logit itself; argmax gives its place, which is the class": (
            lambda logits, labels: float((logits.max(-1) == labels).mean())
        ),
        "argmax(0) takes the largest of each column; a row is an image, so use argmax(-1)": (
            lambda logits, labels: float((logits.argmax(0) == labels).mean())
        ),
        "it is 0 unless all are right: `//`, int() and all() throw away what is behind the point": (
            lambda logits, labels: float((logits.argmax(-1) == labels).all())
        ),
        "argmax is missing: the answer is the place of the largest logit, and labels are such places": (
            lambda logits, labels: float((logits == labels).mean())
        ),
        "that says for each image whether it is right; the share is the mean of that": (
            lambda logits, labels: logits.argmax(-1) == labels
        ),
    },
    summary=_as_float,
    not_to_call=("training/",),
)

# --- 12.2 ---


def epoch_batches(order, batch_size):
    return _pieces(order, batch_size)


def _pieces(order, batch_size):
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _listed(batches):
    """A list of arrays of indices."""
    if not isinstance(batches, list | tuple) or any(np.ndim(batch) == 0 for batch in batches):
        raise NotAskedFor(
            f"it returned {kind_of(batches)}, wanted a list of batches, each an array of places of images"
        )
    return list(batches)


def _batch_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, size in ((10, 4), (12, 5), (int(rng.integers(20, 40)), 7), (8, 4), (9, 4), (3, 10), (4, 1)):
        yield Case((rng.permutation(n), size))


def _last_dropped(order, batch_size):
    return [order[start : start + batch_size] for start in range(0, len(order) - batch_size + 1, batch_size)]


def _not_shuffled(order, batch_size):
    return _pieces(np.arange(len(order)), batch_size)


def _one_too_many(order, batch_size):
    return [order[start : start + batch_size + 1] for start in range(0, len(order), batch_size)]


def _sizes_for_counts(order, batch_size):
    return np.array_split(order, batch_size)


def _nearly_equal(order, batch_size):
    return np.array_split(order, len(order) // batch_size)


def _no_step(order, batch_size):
    return [order[start : start + batch_size] for start in range(len(order))]


def _to_the_size(order, batch_size):
    return [order[start:batch_size] for start in range(0, len(order), batch_size)]


add(
    "12.2",
    epoch_batches,
    _batch_cases,
    outputs=("batches",),
    mistakes={
        "the images after the last full batch are lost: the last batch may be smaller": _last_dropped,
        "the batches do not follow `order`: cut that array, do not count from 0": _not_shuffled,
        "neighbouring batches overlap by one: a slice ends before its second number": _one_too_many,
        "batch_size is how many images a batch has, not how many batches there are": _sizes_for_counts,
        "array_split makes pieces of nearly one size; all batches but the last have batch_size": _nearly_equal,
        "a batch begins at every image: range needs a third number, the step": _no_step,
        "a slice ends where its second number says: order[start : start + batch_size]": _to_the_size,
    },
    summary=_listed,
    not_to_call=("training/",),
)
