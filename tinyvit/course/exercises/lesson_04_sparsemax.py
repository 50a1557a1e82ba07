# mypy: disable-error-code="no-untyped-def"
"""Lesson 4, shares that may be exactly 0: sparsemax."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 4.5 ---


def sparsemax(scores):
    return _projected(scores)


def _projected(scores, *, one=1.0, all_count=False, clip=True, axis=-1, counted=None):
    u = np.flip(np.sort(scores, axis=axis), axis)
    sums = u.cumsum(axis)
    K = scores.shape[axis]
    k = np.arange(1, K + 1).reshape([-1 if n == axis % scores.ndim else 1 for n in range(scores.ndim)])
    count = (one + k * u > sums).sum(axis, keepdims=True)
    count = np.full_like(count, K) if all_count else np.maximum(count, 1)
    tau = (np.take_along_axis(sums, count - 1, axis) - one) / (count if counted is None else counted(count))
    return np.maximum(scores - tau, 0) if clip else scores - tau


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 5), (1, 4), (2, 3, 6), (7,), (4, 1), (2, 2, 1, 3)):
        for size in (0.3, 3.0):
            yield Case((size * rng.standard_normal(shape) + rng.uniform(-2, 2),))
    yield Case((np.array([[0.5, 0.5, 0.1], [9.0, 9.0, 9.0], [800.0, -800.0, 0.0]]),))


def _softmax(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _clipped_shares(scores):
    positive = np.maximum(scores, 0)
    total = positive.sum(-1, keepdims=True)
    return positive / np.where(total > 0, total, 1)


def _one_row(scores):
    u = np.sort(scores)[::-1]
    sums = u.cumsum()
    count = (1 + np.arange(1, len(scores) + 1) * u > sums).sum()
    return np.maximum(scores - (sums[count - 1] - 1) / count, 0)


def _of_positives(scores):
    positive = np.maximum(scores, 0)
    return positive / positive.sum(-1, keepdims=True)


add(
    "4.5",
    sparsemax,
    _cases,
    outputs=("shares",),
    mistakes={
        "that is softmax, whose shares are never 0": _softmax,
        "negative scores were cut off, and the rest divided by its sum; that is not the nearest point": _clipped_shares,
        "all scores count, as they do in rising order; only those with 1 + k u_k above the sum of the first k do": (
            lambda s: _projected(s, all_count=True)
        ),
        "what is below 0 must become 0": lambda s: _projected(s, clip=False),
        "the shares must add up to 1: the sum less 1, over the number that count": lambda s: _projected(s, one=0.0),
        "the order is that of the first axis; each row has its own": lambda s: _projected(s, axis=0),
        "tau is not divided by how many count": lambda s: _projected(s, counted=lambda count: 1),
        "negative scores were cut off, and the rest divided by its sum, which may be 0; the nearest row is another": (
            _of_positives
        ),
        "there may be more axes: [..., ::-1] turns each row round, and sums run along the last axis": _one_row,
    },
)
