# mypy: disable-error-code="no-untyped-def"
"""Lesson 4, softmax."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def _shapes(rng: np.random.Generator) -> list[tuple[int, ...]]:
    return [(3, 5), (2, 3, 7), tuple(rng.integers(2, 6, 3)), (6,), (2, 1, 3, 4), (3, 1)]


def _row_max(x):
    return x.max(-1, keepdims=True)


# --- 4.1 ---


def softmax_forward(x):
    y = _shares(x)
    return y, (y,)


def _shares(x, *, offset=_row_max, total=lambda e: e.sum(-1, keepdims=True)):
    with np.errstate(all="ignore"):  # some mistakes overflow
        e = np.exp(x - offset(x))
        return e / total(e)


def _twice(y):
    return y, (y,)


def _saves_too_early(x):
    e = np.exp(x - _row_max(x))
    return e / e.sum(-1, keepdims=True), (e,)


def _upside_down(x):
    return _twice(_shares(-x))


def _logarithms(x):
    z = x - _row_max(x)
    return _twice(z - np.log(np.exp(z).sum(-1, keepdims=True)))


def _score_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in _shapes(rng):
        yield Case((2 * rng.standard_normal(shape),))
    large = 2 * rng.standard_normal((4, 5))
    large[1] += 1000.0
    yield Case((large,))
    large[2] -= 1000.0
    yield Case((large,))
    large[3, 1:3] = 5000.0, -5000.0  # far from the mean, and from the smallest
    yield Case((large,))


add(
    "4.1",
    softmax_forward,
    _score_cases,
    outputs=("y", "saved y"),
    mistakes={
        "e.max(-1) and e.sum(-1) lost the last axis, and do not fit to x any more; keepdims=True keeps it": (
            lambda x: _twice(_shares(x, offset=lambda x: x.max(-1), total=lambda e: e.sum(-1)))
        ),
        "you took maximum and sum of the whole array; every row has its own: axis -1, with keepdims=True": (
            lambda x: _twice(_shares(x, offset=np.max, total=np.sum))
        ),
        "exp overflows: at a score of 1000 it is inf, and inf / inf is NaN. Take off each row's maximum first": (
            lambda x: _twice(_shares(x, offset=lambda x: 0.0))
        ),
        "you took off the maximum of the whole array; a row far below it becomes 0 / 0. Every row has its own one": (
            lambda x: _twice(_shares(x, offset=np.max))
        ),
        "each row must add up to 1: divide by the sum over the last axis, not by the sum of the whole array": (
            lambda x: _twice(_shares(x, total=np.sum))
        ),
        "you divided by the sum of the whole array; every row has its own sum: .sum(-1, keepdims=True)": (
            lambda x: _twice(_shares(x, offset=lambda x: 0.0, total=np.sum))
        ),
        "the sum runs down the first axis; write axis -1, so that every row adds up to 1": (
            lambda x: _twice(_shares(x, offset=lambda x: 0.0, total=lambda e: e.sum(0, keepdims=True)))
        ),
        "axis 1 is the last one only where there are two; write axis -1": (
            lambda x: _twice(_shares(x, offset=lambda x: 0.0, total=lambda e: e.sum(1, keepdims=True)))
        ),
        "1000 was an example; every row has a maximum of its own, and that is to be taken off": (
            lambda x: _twice(_shares(x, offset=lambda x: 1000.0))
        ),
        "you added up over the first axis; the shares are over the last axis": (
            lambda x: _twice(_shares(x, total=lambda e: e.sum(0, keepdims=True)))
        ),
        "you divided by the mean; the shares add up to 1 when you divide by the sum": (
            lambda x: _twice(_shares(x, total=lambda e: e.mean(-1, keepdims=True)))
        ),
        "a row must add up to 1: divide it by its sum": lambda x: _twice(_shares(x, total=lambda e: 1.0)),
        "exp is missing: you divided the scores themselves by their sum": (
            lambda x: _twice(x / x.sum(-1, keepdims=True))
        ),
        "the sign of the scores is turned: take x - max, not max - x": _upside_down,
        "x.max(-1) or the sum lost the last axis, and does not fit to x any more; keepdims=True keeps it": (
            lambda x: _twice(_shares(x, offset=lambda x: x.max(-1)))
        ),
        "saved must hold y as it is after the division": _saves_too_early,
        "what the backward will need is missing: return y, (y,)": _shares,
        "saved must hold the output y; the backward works with y and not with x": lambda x: (_shares(x), (x,)),
        "you divided by the root of the sum of squares; shares add up to 1 when you divide by the sum": (
            lambda x: _twice(_shares(x, total=lambda e: np.sqrt((e * e).sum(-1, keepdims=True))))
        ),
        "a score that was cut off is another score; take off each row's maximum instead": (
            lambda x: _twice(_shares(np.clip(x, -500, 500), offset=lambda x: 0.0))
        ),
        "these are the logarithms of the shares; the exp around them is missing": _logarithms,
        "maximum and sum run down the first axis; write axis -1, so that every row adds up to 1": (
            lambda x: _twice(
                _shares(x, offset=lambda x: x.max(0, keepdims=True), total=lambda e: e.sum(0, keepdims=True))
            )
        ),
    },
)


# --- 4.2 ---


def softmax_backward(dy, saved):
    (y,) = saved
    return y * (dy - _row_sum(dy * y))


def _row_sum(x):
    return x.sum(-1, keepdims=True)


def _share_cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in _score_cases(rng):
        y = _shares(*case.arguments)
        yield Case((rng.standard_normal(y.shape), (y,)))


add(
    "4.2",
    softmax_backward,
    _share_cases,
    outputs=("dx",),
    mistakes={
        "only the direct road is there: x_i also changes every other y_j, through the sum": (
            lambda dy, saved: dy * saved[0] * (1 - saved[0])
        ),
        "the second term is missing: take the average of dy, weighted with y, off dy": lambda dy, saved: dy * saved[0],
        "you took off the plain mean of dy; the average is weighted with y: the sum of dy * y": (
            lambda dy, saved: saved[0] * (dy - dy.mean(-1, keepdims=True))
        ),
        "y is missing in the sum: it is the sum of dy * y": lambda dy, saved: saved[0] * (dy - _row_sum(dy)),
        "y in front is missing: dx = y * (...)": lambda dy, saved: dy - _row_sum(dy * saved[0]),
        "the sum of dy * y runs over the last axis only, one sum for each row (keepdims=True)": (
            lambda dy, saved: saved[0] * (dy - (dy * saved[0]).sum())
        ),
        "you divided the sum of dy * y by its length; y adds up to 1, so the sum is the average already": (
            lambda dy, saved: saved[0] * (dy - (dy * saved[0]).mean(-1, keepdims=True))
        ),
        "the sum lost the last axis, and does not fit to dy any more; keepdims=True keeps it": (
            lambda dy, saved: saved[0] * (dy - (dy * saved[0]).sum(-1))
        ),
        "the sign of the sum is wrong: y * (dy - sum)": lambda dy, saved: saved[0] * (dy + _row_sum(dy * saved[0])),
        "y multiplies both dy and the average; brackets: y * (dy - sum)": (
            lambda dy, saved: saved[0] * dy - _row_sum(dy * saved[0])
        ),
        "nothing is to be divided by the batch: every row has its own dx": (
            lambda dy, saved: saved[0] * (dy - _row_sum(dy * saved[0])) / len(dy)
        ),
        "the sum ran down the first axis; a row's shares lie along the last": (
            lambda dy, saved: saved[0] * (dy - (dy * saved[0]).sum(0, keepdims=True))
        ),
    },
)
