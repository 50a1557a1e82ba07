# mypy: disable-error-code="no-untyped-def"
"""Lesson 3, numbers that carry their slope: the quotient of dual numbers."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 3.4 ---


def dual_quotient(x, y):
    return _quotient(x, y)


def _quotient(x, y):
    (a, da), (b, db) = x, y
    return a / b, (da * b - a * db) / b**2


def _with_slope(slope):
    """The right value beside a slope of (a, a', b, b')."""

    def quotient(x, y):
        (a, da), (b, db) = x, y
        return a / b, slope(a, da, b, db)

    return quotient


def _pair(rng: np.random.Generator, *shape: int):
    return rng.choice([-1, 1], shape) * rng.uniform(0.5, 2, shape), rng.standard_normal(shape)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for one, other in (((3,), (3,)), ((2, 4), (2, 4)), ((1,), (1,)), ((3, 1), (5,)), ((), ()), ((2, 3, 1, 2), (2,))):
        yield Case((_pair(rng, *one), _pair(rng, *other)))


add(
    "3.4",
    dual_quotient,
    _cases,
    outputs=("value", "slope"),
    mistakes={
        "the slope has the wrong sign: a'b comes first, and ab' is taken off": _with_slope(
            lambda a, da, b, db: (a * db - da * b) / b**2
        ),
        "divide the slope by b², not by b": _with_slope(lambda a, da, b, db: (da * b - a * db) / b),
        "the slope is not divided by b²": _with_slope(lambda a, da, b, db: da * b - a * db),
        "that is the slope of the product; in a quotient one term is taken off, and all is divided by b²": _with_slope(
            lambda a, da, b, db: da * b + a * db
        ),
        "the two terms are subtracted, not added": _with_slope(lambda a, da, b, db: (da * b + a * db) / b**2),
        "the quotient of the slopes is not the slope of the quotient": _with_slope(lambda a, da, b, db: da / db),
        "y moves, too: its slope has a term of its own": _with_slope(lambda a, da, b, db: da / b),
        "x moves, too: its slope has a term of its own": _with_slope(lambda a, da, b, db: -a * db / b**2),
        "value and slope have changed places": lambda x, y: _quotient(x, y)[::-1],
        "it is y / x": lambda x, y: _quotient(y, x),
    },
)
