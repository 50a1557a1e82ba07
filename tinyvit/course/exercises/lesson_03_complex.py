# mypy: disable-error-code="no-untyped-def"
"""Lesson 3, a slope without a difference: the complex step."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 3.3 ---


def complex_step(f, x):
    return _step(f, x)


def _step(f, x, *, h=1e-30, divide=True, real=False, all_at_once=False, keep=False, last=True):
    gradient = np.zeros(x.shape)
    nudged = x.astype(complex)
    for index in list(np.ndindex(x.shape))[: None if last else -1]:
        nudged = nudged if keep else x.astype(complex)
        nudged[... if all_at_once else index] += h * 1j
        value = f(nudged)
        gradient[index] = (value.real if real else value.imag) / (h if divide else 1.0)
    return gradient


def _functions(rng):
    a, b = rng.uniform(0.5, 1.5, 2)
    yield lambda x: (np.exp(a * x) * np.sin(30 * b * x)).sum()  # so bent that a difference is off in the 9th digit
    yield lambda x: np.sqrt((x * x).sum() + a) + b * x.prod()
    yield lambda x: (x**3 / (a + x * x)).sum() * (1 + b * x).sum()


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3,), (2, 4), (1,), (), (2, 1, 3)):
        for f in _functions(rng):
            yield Case((f, rng.uniform(0.3, 1.5, shape)))


def _central(f, x, h=1e-5):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index], down[index] = up[index] + h, down[index] - h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


def _row_by_row(f, x):
    gradient = np.empty(x.shape)
    for index in range(len(x)):
        nudged = x.astype(complex)
        nudged[index] += 1e-30j
        gradient[index] = f(nudged).imag / 1e-30
    return gradient


def _difference(f, x):
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        nudged = x.astype(complex)
        nudged[index] += 1e-30j
        gradient[index] = (f(nudged) - f(x)).real / 1e-30
    return gradient


add(
    "3.3",
    complex_step,
    _cases,
    outputs=("gradient",),
    mistakes={
        "this is a central difference: it subtracts, and so it loses digits; here nothing is subtracted": _central,
        "the slope is in the imaginary part, f(...).imag; the real part is f itself": (
            lambda f, x: _step(f, x, real=True)
        ),
        "what you return is next to 0: x must be a complex copy, x.astype(complex), or 1e-30j gets lost; and the "
        "imaginary part is h times the slope, so divide by h": lambda f, x: _step(f, x, divide=False),
        "all places were nudged at once; each has a slope of its own": lambda f, x: _step(f, x, all_at_once=True),
        "a place that was nudged stays so; begin each time with x itself": lambda f, x: _step(f, x, keep=True),
        "the real parts were subtracted; look at the imaginary part, and subtract nothing": _difference,
        **{
            f"h = {h:g} is too large: nothing is subtracted, so it may be as small as 1e-30": (
                lambda f, x, h=h: _step(f, x, h=h)
            )
            for h in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
        },
        "the last place is missing": lambda f, x: _step(f, x, last=False),
        "a whole row x[i] was nudged together; nudge one number at a time: np.ndindex(x.shape) visits every place": (
            _row_by_row
        ),
    },
)
