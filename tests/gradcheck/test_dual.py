"""Dual numbers obey the rules of calculus: against difference quotients of Python's own functions, and by algebra."""

import math
import operator

import numpy as np
import pytest

from tinyvit.gradcheck.dual import Dual, duals

X, Y = 0.7, -1.3
BINARY = {
    "+": (operator.add, 1, 1),
    "-": (operator.sub, 1, -1),
    "*": (operator.mul, Y, X),
    "/": (operator.truediv, 1 / Y, -X / Y**2),
}
FUNCTIONS = {
    "exp": math.exp,
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "erf": math.erf,
}


@pytest.mark.parametrize("name", BINARY)
def test_sums_products_and_quotients(name):
    f, by_x, by_y = BINARY[name]
    both = f(Dual(X, 2.0), Dual(Y, 3.0))
    assert (both.value, both.derivative) == pytest.approx((f(X, Y), 2 * by_x + 3 * by_y), rel=1e-15)
    first, second = f(Dual(X, 2.0), Y), f(X, Dual(Y, 3.0))  # a constant does not move
    assert (first.value, first.derivative) == pytest.approx((f(X, Y), 2 * by_x), rel=1e-15)
    assert (second.value, second.derivative) == pytest.approx((f(X, Y), 3 * by_y), rel=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [0.3, 0.9, 2.5])
def test_functions(name, x):
    f, h = FUNCTIONS[name], 1e-5
    y = getattr(Dual(x, 2.0), name)()
    assert y.value == f(x)
    assert y.derivative == pytest.approx(2 * (f(x + h) - f(x - h)) / (2 * h), rel=1e-9)


@pytest.mark.parametrize("n", [0, 1, 2.0, 1.5, -1])
def test_powers(n):
    y = Dual(X, 2.0) ** n
    assert (y.value, y.derivative) == pytest.approx((X**n, 2 * n * X ** (n - 1)))


def test_signs_and_comparisons_go_by_the_value():
    low, high = Dual(-2.0, 9.0), Dual(1.0, -5.0)
    for holds in (operator.lt, operator.le, operator.gt, operator.ge):
        for first, second in ((low, high), (high, low), (low, low)):
            assert holds(first, second) == holds(first.value, second.value) == holds(first, second.value)
    assert (abs(low).value, abs(low).derivative) == (2.0, -9.0)
    assert (abs(high).value, abs(high).derivative) == (1.0, -5.0)
    assert np.maximum(duals(np.array([-2.0]), np.array([9.0])), 0.0)[0] == 0.0


def test_numpy_computes_with_arrays_of_them(rng):
    a, v, b = rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), rng.standard_normal((3, 2))
    y = np.exp(duals(a, v) @ b) * 2.0
    wanted = 2 * np.exp(a @ b)
    for place in np.ndindex(2, 2):
        assert y[place].value == pytest.approx(wanted[place], rel=1e-14)
        assert y[place].derivative == pytest.approx((wanted * (v @ b))[place], rel=1e-13)
    assert (Dual(2.0, 1.0) * a).dtype == (a * Dual(2.0, 1.0)).dtype == object
    assert (np.float64(3.0) * Dual(2.0, 1.0)).derivative == 3.0


def test_many_directions_at_once(rng):
    x, directions = rng.standard_normal(4), rng.standard_normal((4, 3))
    at_once = (duals(x, directions) ** 2).sum()
    for k in range(3):
        alone = (duals(x, directions[:, k]) ** 2).sum()
        assert at_once.derivative[k] == pytest.approx(alone.derivative, rel=1e-14)


def test_dual_of_duals_has_second_derivatives():
    """x³ at 2: 8, 12 and 12."""
    x = Dual(Dual(2.0, 1.0), Dual(1.0, 0.0))
    y = x * x * x
    assert (y.value.value, y.value.derivative, y.derivative.value, y.derivative.derivative) == (8, 12, 12, 12)


def test_it_prints_both():
    assert str(Dual(1.5, -2.0)) == "1.5 + -2.0ε"
