# mypy: disable-error-code="no-untyped-def"
"""Lesson 12, training on MNIST."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 12.1 ---


def accuracy(logits, labels):
    return float((logits.argmax(-1) == labels).mean())


def _accuracy_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, classes in ((20, 3), (37, 10), (int(rng.integers(15, 30)), 5)):
        logits = rng.standard_normal((n, classes))
        labels = np.where(rng.random(n) < 0.6, logits.argmax(-1), rng.integers(0, classes, n))
        labels[0], labels[1] = logits[0].argmax(), (logits[1].argmax() + 1) % classes  # neither all right nor all wrong
        yield Case((logits, labels))


add(
    "12.1",
    accuracy,
    _accuracy_cases,
    outputs=("accuracy",),
    mistakes={
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
    },
    not_to_call=("training/",),
)

# --- 12.2 ---


def epoch_batches(order, batch_size):
    return _pieces(order, batch_size)


def _pieces(order, batch_size):
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _flat(batches):
    """Sizes first, then all indices: a list of arrays of different lengths as two arrays."""
    return np.array([len(batch) for batch in batches]), np.concatenate(batches) if batches else np.zeros(0, np.int64)


def _batch_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, size in ((10, 4), (12, 5), (int(rng.integers(20, 40)), 7), (8, 4)):
        yield Case((rng.permutation(n), size))


def _last_dropped(order, batch_size):
    return [order[start : start + batch_size] for start in range(0, len(order) - batch_size + 1, batch_size)]


def _not_shuffled(order, batch_size):
    return _pieces(np.arange(len(order)), batch_size)


def _one_too_many(order, batch_size):
    return [order[start : start + batch_size + 1] for start in range(0, len(order), batch_size)]


def _sizes_for_counts(order, batch_size):
    return np.array_split(order, batch_size)


add(
    "12.2",
    epoch_batches,
    _batch_cases,
    outputs=("sizes", "indices"),
    mistakes={
        "the images after the last full batch are lost: the last batch may be smaller": _last_dropped,
        "the batches do not follow `order`: cut that array, do not count from 0": _not_shuffled,
        "neighbouring batches overlap by one: a slice ends before its second number": _one_too_many,
        "batch_size is how many images a batch has, not how many batches there are": _sizes_for_counts,
    },
    summary=_flat,
    not_to_call=("training/",),
)
