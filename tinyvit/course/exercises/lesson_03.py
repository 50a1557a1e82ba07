# mypy: disable-error-code="no-untyped-def"
"""Lesson 3, gradient checking."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 3.1 ---


def central_difference(f, x, h):
    return _slopes(f, x, h)


def _slopes(f, x, h, *, below=True, divisor=2.0, restored=True):
    x = x.copy()
    dx = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        up = f(x)
        x[index] = kept - h if below else kept
        down = f(x)
        if restored:
            x[index] = kept
        dx[index] = (up - down) / (divisor * h)
    return dx


def _all_at_once(f, x, h):
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


def _two_loops(f, x, h):
    dx = np.zeros(x.shape)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            dx[i, j] = _slopes(f, x, h)[i, j]
    return dx


def _row_by_row(f, x, h):
    dx = np.zeros(x.shape)
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        dx[i] = (f(up) - f(down)) / (2 * h)
    return dx


def _five_points(f, x, h):
    return (4 * _slopes(f, x, h) - _slopes(f, x, 2 * h)) / 3


def _last_left_out(f, x, h):
    slopes = _slopes(f, x, h)
    slopes.flat[-1] = 0.0
    return slopes


def _one_nudged(f, x, h, slope):
    """In each place what `slope` makes of f as a function of that number alone."""
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):

        def of(number, index=index):
            nudged = x.copy()
            nudged[index] = number
            return f(nudged)

        slopes[index] = slope(of, x[index])
    return slopes


def _slope_cases(rng: np.random.Generator) -> Iterator[Case]:
    """With a large h, so that a cruder difference is told from a finer one."""
    for shape in ((5,), (3, 4), tuple(rng.integers(2, 5, 3)), (1, 3), (2, 1, 2, 1)):
        weight = rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape)
        weight.flat[-1] = -9.0  # one slope is negative whatever the draw
        x = rng.uniform(0.5, 1.5, shape)
        x[(0,) * x.ndim] = 0.0
        for h in (0.1, 0.02):
            yield Case((lambda x, weight=weight: float((weight * np.exp(x)).sum() + x.sum() ** 3 / x.size), x, h))


add(
    "3.1",
    central_difference,
    _slope_cases,
    outputs=("gradient",),
    mistakes={
        "that is a finer formula than the one asked for: f(x + h) and f(x - h) are enough": _five_points,
        "the last number was left out: look at where your loop ends": _last_left_out,
        "this is the one-sided difference f(x + h) - f(x) over h; look at both sides of x": (
            lambda f, x, h: _slopes(f, x, h, below=False, divisor=1.0)
        ),
        "you divided by h, but from x - h to x + h it is 2h": lambda f, x, h: _slopes(f, x, h, divisor=1.0),
        "you took f(x + h) - f(x) over 2h; the second point is x - h (after += h, -= h only leads back to x)": (
            lambda f, x, h: _slopes(f, x, h, below=False)
        ),
        "the difference is not divided by 2h: that is how far f moved, not its slope": (
            lambda f, x, h: _slopes(f, x, h, divisor=1 / h)
        ),
        "... / 2 * h divides by 2 and multiplies by h; write ... / (2 * h)": (
            lambda f, x, h: _slopes(f, x, h, divisor=2 / h**2)
        ),
        "the sign is turned: take up minus down, f(x + h) - f(x - h)": lambda f, x, h: -_slopes(f, x, h),
        "a number was not put back before the next one was nudged": lambda f, x, h: _slopes(f, x, h, restored=False),
        "x + h nudges all numbers together and gives one slope; there is a slope for each number, nudged alone": (
            lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h)
        ),
        "every slope is 0; are up and down one and the same array? m = x makes no copy, x.copy() does": (
            lambda f, x, h: np.zeros(x.shape)
        ),
        "x has not always two axes; for index in np.ndindex(x.shape) visits every place of any x": _two_loops,
        "you nudged all numbers together; nudge one at a time": _all_at_once,
        "you nudged a whole row x[i] together; nudge one number at a time, in every axis": _row_by_row,
        "the gradient has the shape of x: give the flat list of slopes that shape back": (
            lambda f, x, h: _slopes(f, x, h).reshape(-1)
        ),
        "you used a step of your own; use the h that is given": lambda f, x, h: _slopes(f, x, 1e-5),
        "a slope may be negative: take no absolute value": lambda f, x, h: np.abs(_slopes(f, x, h)),
        "go from x - h to x + h, h to each side and not half of it": lambda f, x, h: _slopes(f, x, h / 2),
        "add and subtract h itself: x + h and x - h, not x times (1 + h) and (1 - h)": lambda f, x, h: _one_nudged(
            f, x, h, lambda f, x: (f(x * (1 + h)) - f(x * (1 - h))) / (2 * h)
        ),
        "up and down are subtracted, f(x + h) - f(x - h), not added": lambda f, x, h: _one_nudged(
            f, x, h, lambda f, x: (f(x + h) + f(x - h)) / (2 * h)
        ),
    },
    not_to_call=("gradcheck",),
)
