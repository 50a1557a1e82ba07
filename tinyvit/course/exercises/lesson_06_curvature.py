# mypy: disable-error-code="no-untyped-def"
"""Lesson 6, the slope of GELU's slope."""

import math
from collections.abc import Iterator

import numpy as np

from ...ops import erf
from ..exercise import Case, add

# --- 6.3 ---


def gelu_curvature(x):
    return _curvature(x)


def _bell(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _curvature(x, *, constant=2.0, square=1.0):
    return _bell(x) * (constant - square * x * x)


def _slope(x):
    return (1 + erf(x / math.sqrt(2))) / 2 + x * _bell(x)


def _difference(x):
    return (_slope(x + 1e-5) - _slope(x - 1e-5)) / 2e-5


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 5), (7,), (), (2, 1, 4), tuple(rng.integers(2, 6, 2))):
        yield Case((2 * rng.standard_normal(shape),))
    yield Case((np.array([-30.0, -math.sqrt(2), 0.0, 1.0, 40.0]),))
    yield Case((np.array([5.0, 5.5]),), by_chance=True)  # so little that a difference of slopes is rounding alone


add(
    "6.3",
    gelu_curvature,
    _cases,
    outputs=("curvature",),
    mistakes={
        "one φ is missing: Φ' gives one, and the product x φ(x) gives another": lambda x: _curvature(x, constant=1.0),
        "φ' is missing: φ(x) changes with x, too, φ'(x) = -x φ(x)": lambda x: 2 * _bell(x) + 0 * x,
        "the sign of φ' is wrong: the bell falls to the right, φ'(x) = -x φ(x)": lambda x: _curvature(x, square=-1.0),
        "x φ(x) is a product: its slope is φ(x) + x φ'(x), and φ' alone has one x": lambda x: _bell(x) * (2 - x),
        "that is the slope; the curvature is the slope of the slope": _slope,
        "only Φ was differentiated; the slope is Φ(x) + x φ(x), two terms": lambda x: _bell(x) + 0 * x,
        "the bell curve has the factor 1 / sqrt(2 π)": lambda x: np.exp(-x * x / 2) * (2 - x * x),
        "that is a difference of slopes, which loses digits; derive the formula": _difference,
        "φ(x) and x φ(x): a second φ comes from the product, and x² from φ'": lambda x: _bell(x) * (1 - x),
        "the bell curve has exp(-x²/2), not exp(-x²)": (
            lambda x: np.exp(-x * x) / math.sqrt(2 * math.pi) * (2 - x * x)
        ),
    },
)
