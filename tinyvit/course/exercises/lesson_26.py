# mypy: disable-error-code="no-untyped-def"
"""Lesson 26, the cost of a training step, and the least-squares line."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 26.1 ---


def training_cost(width, depth, num_tokens):
    return _cost(width, depth, num_tokens)


def _cost(w, depth, T, *, squares=12, blocks=None, times=6, linear=None, products=12, spread=None):
    weights = squares * (depth if blocks is None else blocks) * w**2
    linear = T if linear is None else linear
    return weights, times * weights * linear + products * depth * (T**2 * w if spread is None else spread)


def _models(rng: np.random.Generator) -> Iterator[Case]:
    for model in ((8, 2, 17), (96, 3, 50), (5, 1, 7), (64, 12, 197)):
        yield Case(model)
    yield Case((int(rng.integers(9, 30)), int(rng.integers(4, 11)), int(rng.integers(10, 60))))


add(
    "26.1",
    training_cost,
    _models,
    outputs=("weights", "flops"),
    mistakes={
        "flops are those of the forward alone; a step goes backward, too, for twice as many": (
            lambda w, d, T: _cost(w, d, T, times=2, products=4)
        ),
        "flops lack the products between tokens": lambda w, d, T: _cost(w, d, T, products=0),
        "flops count a multiplication with its addition as one; here they are two": (
            lambda w, d, T: _cost(w, d, T, times=3, products=6)
        ),
        "the backward counts twice as much as the forward: three forwards in all, not two": (
            lambda w, d, T: _cost(w, d, T, times=4, products=8)
        ),
        "the products between tokens have a backward, too": lambda w, d, T: _cost(w, d, T, products=4),
        "there are two products between tokens, queries with keys and weights with values": (
            lambda w, d, T: _cost(w, d, T, products=6)
        ),
        "each weight is used once for each token": lambda w, d, T: _cost(w, d, T, linear=1),
        "between tokens it is T² pairs, each with w products": lambda w, d, T: _cost(w, d, T, spread=T * w),
        "between tokens no weight is used, so it is w, not w²": lambda w, d, T: _cost(w, d, T, spread=T**2 * w**2),
        "the products between tokens come in every block": lambda w, d, T: (
            12 * d * w**2,
            72 * d * w**2 * T + 12 * T**2 * w,
        ),
        "the weights are those of one block": lambda w, d, T: _cost(w, d, T, blocks=1),
        "the hidden layer of the MLP has 4 w numbers, so its two matrices have 8 w²": (
            lambda w, d, T: _cost(w, d, T, squares=6)
        ),
        "queries, keys and values have a matrix each, 3 w² in all": lambda w, d, T: _cost(w, d, T, squares=10),
        "the matrix behind the heads is missing, w²": lambda w, d, T: _cost(w, d, T, squares=11),
        "8 w² is the MLP alone, or attention and half of the MLP: 4 w² and 8 w² are 12 w²": (
            lambda w, d, T: _cost(w, d, T, squares=8)
        ),
        "the MLP's 8 w² are missing": lambda w, d, T: _cost(w, d, T, squares=4),
        "the width is squared: a matrix has w rows and w columns": lambda w, d, T: (
            12 * d * w,
            6 * 12 * d * w * T + 12 * d * T**2 * w,
        ),
    },
    not_to_call=("model_costs",),
)

# --- 26.2 ---


def straight_line(x, y):
    return _line(x, y)


def _slope(x, y):
    return ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()


def _line(x, y, *, slope=_slope, intercept=lambda x, y, slope: y.mean() - slope * x.mean()):
    found = slope(x, y)
    return found, intercept(x, y, found)


def _points(rng: np.random.Generator) -> Iterator[Case]:
    for count, shift in ((7, 3.0), (2, -1.0), (5, 0.5), (int(rng.integers(8, 20)), 9.0), (4, -4.0)):
        x = shift + 2 * rng.standard_normal(count)
        yield Case((x, rng.uniform(-3, -1) * x + rng.uniform(2, 5) + rng.standard_normal(count)))


def _correlation(x, y):
    return np.corrcoef(x, y)[0, 1]


add(
    "26.2",
    straight_line,
    _points,
    outputs=("slope", "intercept"),
    not_to_call=("polyfit",),
    mistakes={
        "the order: first the slope, then the intercept": lambda x, y: _line(x, y)[::-1],
        "that line goes through the origin: take the means off x and y first": (
            lambda x, y: _line(x, y, slope=lambda x, y: (x * y).sum() / (x * x).sum(), intercept=lambda *_: 0.0)
        ),
        "the slope lacks the means: take them off x and y first": (
            lambda x, y: _line(x, y, slope=lambda x, y: (x * y).sum() / (x * x).sum())
        ),
        "x has lost its mean below the line, but not above it, or the other way round": (
            lambda x, y: _line(x, y, slope=lambda x, y: _slope(x, y) * ((x - x.mean()) ** 2).sum() / (x**2).sum())
        ),
        "that line goes through the first and the last point; all points count": (
            lambda x, y: _line(x, y, slope=lambda x, y: (y[-1] - y[0]) / (x[-1] - x[0]))
        ),
        "you divided by the squares of y; the line predicts y from x": (
            lambda x, y: _line(x, y, slope=lambda x, y: _slope(y, x))
        ),
        "that line predicts x from y: what must be small are the squares of the distances in y": (
            lambda x, y: _line(x, y, slope=lambda x, y: 1 / _slope(y, x))
        ),
        "np.cov divides by n - 1 and var by n; take sums for both": (
            lambda x, y: _line(x, y, slope=lambda x, y: _slope(x, y) * len(x) / (len(x) - 1))
        ),
        "the slope is not divided by the sum of the squares of x": (
            lambda x, y: _line(x, y, slope=lambda x, y: ((x - x.mean()) * (y - y.mean())).sum())
        ),
        "you divided by the squared sum of x, not the sum of its squares": (
            lambda x, y: _line(
                x, y, slope=lambda x, y: ((x - x.mean()) * (y - y.mean())).sum() / np.abs(x - x.mean()).sum() ** 2
            )
        ),
        "that is the correlation; the slope is divided by the squares of x alone": (
            lambda x, y: _line(x, y, slope=_correlation)
        ),
        "the slope is a mean of the points' own slopes; far points must count more": (
            lambda x, y: _line(x, y, slope=lambda x, y: ((y - y.mean()) / (x - x.mean())).mean())
        ),
        "the intercept's sign: m times the mean of x is taken off": (
            lambda x, y: _line(x, y, intercept=lambda x, y, m: y.mean() + m * x.mean())
        ),
        "that line goes through the first point; it goes through the point of the means": (
            lambda x, y: _line(x, y, intercept=lambda x, y, m: y[0] - m * x[0])
        ),
        "the intercept is that of x, not of y": (
            lambda x, y: _line(x, y, intercept=lambda x, y, m: x.mean() - m * y.mean())
        ),
        "the mean of y is the height at the mean of x; the intercept is that at 0": (
            lambda x, y: _line(x, y, intercept=lambda x, y, m: y.mean())
        ),
        "the intercept is one number, a mean": lambda x, y: (_slope(x, y), y - _slope(x, y) * x),
    },
)
