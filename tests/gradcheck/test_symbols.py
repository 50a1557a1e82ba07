"""Ops with exp, sqrt and erf on symbols: the derivative of <dy, y> minus the backward simplifies to 0, for all values.

SymPy does the calculus, on shapes as small as they can be without a part of the formula falling away.
"""

import math

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.simple_fractions import simplest
from tinyvit.gradcheck.dual import Dual
from tinyvit.ops import OPS
from tinyvit.ops.gelu import TANH_CUBIC, TANH_SCALE

sympy = pytest.importorskip("sympy")  # it comes with PyTorch; or: python -m pip install sympy

SCALE, CUBIC = sympy.sqrt(2 / sympy.pi), sympy.Rational(44715, 10**6)
IRRATIONAL = {  # floats of the code that stand for what is no fraction
    math.sqrt(0.5): 1 / sympy.sqrt(2),
    1 / math.sqrt(2 * math.pi): 1 / sympy.sqrt(2 * sympy.pi),
    TANH_SCALE: SCALE,
    2 * TANH_SCALE: 2 * SCALE,
    TANH_CUBIC * TANH_SCALE: CUBIC * SCALE,
    6 * TANH_CUBIC * TANH_SCALE: 6 * CUBIC * SCALE,
}


def _function(name):
    return lambda self: type(self)(getattr(sympy, name)(self.value), 0)


class Symbol(Dual):
    """An expression. Its derivative is left to SymPy."""

    __slots__ = ()
    answer = True
    exp, log, sqrt, tanh, erf = map(_function, ("exp", "log", "sqrt", "tanh", "erf"))

    def constant(self, x):
        if isinstance(x, float):
            return IRRATIONAL.get(x) or sympy.Rational(simplest(x))
        return int(x) if isinstance(x, bool) else x

    def __lt__(self, other):
        """Which of two is larger decides only which number is taken off before exp: here the first, or the last."""
        return self.answer

    __le__ = __gt__ = __ge__ = __lt__


class LastIsLargest(Symbol):
    """Symbols of which softmax takes the last of a row off."""

    __slots__ = ()
    answer = False


def symbols(name, shape, kind):
    array = np.empty(shape, object)
    for place in np.ndindex(shape):
        array[place] = kind(sympy.Symbol("_".join([name, *map(str, place)]), real=True), 0)
    return array


SMALL = [
    ("softmax", {"x": (2, 2)}, {}),
    ("layer_norm", {"x": (1, 2), "weight": (2,), "bias": (2,)}, {"eps": 1e-6}),
    ("attention", {"qkv": (1, 3, 3)}, {"num_heads": 1, "num_queries": 1}),
    ("gelu", {"x": (2,)}, {}),
    ("gelu_tanh", {"x": (2,)}, {}),
    ("gelu_quick", {"x": (2,)}, {}),
    ("silu", {"x": (2,)}, {}),
    ("cross_entropy", {"logits": (2, 3)}, {"labels": np.array([2, 0])}),
    ("cross_entropy", {"logits": (1, 3)}, {"labels": np.array([1]), "label_smoothing": 0.1}),
    ("cross_entropy", {"logits": (2, 2)}, {"labels": np.array([[0.25, 0.75], [1.0, 0.0]]), "weights": np.array([0.25, 0.75])}),
]  # fmt: skip
LARGER = [
    ("softmax", {"x": (1, 3)}, {}),
    ("layer_norm", {"x": (1, 3), "weight": (3,), "bias": (3,)}, {"eps": 0.1}),
    ("attention", {"qkv": (1, 2, 6)}, {"num_heads": 1}),
    ("attention", {"qkv": (1, 2, 6)}, {"num_heads": 2}),
]
TAKEN_OFF = ("softmax", "attention", "cross_entropy")  # ops that take a number off each row, before exp


def differences(name, shapes, options, kind, backward=None):
    """∂<dy, y>/∂x - backward(dy), for each number of each input: expressions."""
    inputs = {key: symbols(key, shape, kind) for key, shape in shapes.items()}
    y, saved = OPS[name].forward(*inputs.values(), **options)
    dy = symbols("dy", np.shape(y), kind)[()]
    loss = sum(product.value for product in np.asarray(dy * y, object).reshape(-1))
    grads = (backward or OPS[name].backward)(dy, saved)
    for x, grad in zip(inputs.values(), grads if isinstance(grads, tuple) else (grads,), strict=True):
        for variable, slope in zip(x.flat, grad.flat, strict=True):
            yield sympy.diff(loss, variable.value) - (slope.value if isinstance(slope, Dual) else slope)


def is_zero(expression):
    """Whether it is 0 for all values: over one denominator, the numerator's terms cancel."""
    numerator, _ = sympy.fraction(sympy.together(expression))
    return sympy.expand(numerator) == 0


def the_backward_is_the_derivative(name, shapes, options, kind):
    for difference in differences(name, shapes, options, kind):
        assert is_zero(difference)


@pytest.mark.parametrize(("name", "shapes", "options"), others_slow(SMALL + LARGER, fast=len(SMALL)))
def test_the_backward_is_the_derivative_for_all_values(name, shapes, options):
    the_backward_is_the_derivative(name, shapes, options, Symbol)


@pytest.mark.parametrize(
    ("name", "shapes", "options"), others_slow([row for row in SMALL + LARGER if row[0] in TAKEN_OFF])
)
def test_whichever_is_taken_off_before_exp(name, shapes, options):
    the_backward_is_the_derivative(name, shapes, options, LastIsLargest)


@pytest.mark.parametrize("name", ["softmax", "gelu", "silu"])
def test_what_is_not_the_derivative_is_seen(name):
    """A backward that is a millionth too large."""

    def wrong(dy, saved):
        return OPS[name].backward(dy, saved) * 1.000001

    assert not all(map(is_zero, differences(name, {"x": (1, 2)}, {}, Symbol, wrong)))
