"""Rational ops on fractions: the forward, the backward and the identity between them are equal, with tolerance 0.

`<dy, J v>` and `<backward(dy), v>` are two rational numbers, and equal or not. In a dual number of fractions, a float
that stands in the code (`2.0 / D`) is read as the simplest fraction that it is rounded from: what is proved is the
formula, without the rounding of its constants.
"""

from fractions import Fraction

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.simple_fractions import simplest
from tinyvit.gradcheck.cases import op_cases
from tinyvit.gradcheck.dual import Dual
from tinyvit.ops import OPS

# Ops in which no number stands, so that plain fractions stay fractions.
PLAIN = [
    "patchify", "unpatchify", "linear", "conv2d", "prepend_tokens", "add_position", "gather_tokens", "scatter_tokens",
    "embedding", "layer_scale", "gate", "cls_pool", "mean_pool", "cls_mean_pool",
]  # fmt: skip
RATIONAL = [*PLAIN, "resample_positions", "dropout", "drop_path", "modulate", "mse", "giou"]
TRANSCENDENTAL = {
    "layer_norm", "softmax", "attention", "gelu", "gelu_tanh", "gelu_quick", "silu", "sigmoid", "cross_entropy",
    "distillation", "binary_cross_entropy", "focal",
}  # fmt: skip
FIRST = [(name, 0) for name in RATIONAL]
OTHERS = [(name, index) for name in RATIONAL for index in range(1, len(op_cases(name)))]


class Rational(Dual):
    """A dual number of fractions."""

    __slots__ = ()

    def constant(self, x):
        return simplest(x) if isinstance(x, float) else x


def fractions(values, rng):
    """An array of small fractions near `values`."""
    denominators = rng.integers(1, 9, np.shape(values))
    return np.frompyfunc(lambda value, d: Fraction(round(float(value) * 8 * int(d)), 8 * int(d)), 2, 1)(
        values, denominators
    )


rationals = np.frompyfunc(Rational, 2, 1)  # values and derivatives -> an array of them
ZERO = Rational(Fraction(0))  # makes a Rational of the numbers 0 and 1 that ops fill arrays with


def total(products):
    return sum(np.asarray(products, object).reshape(-1), start=Fraction(0))


def sample(name, index, seed=0):
    """Inputs of an op as fractions, None where there is none, and its options."""
    rng = np.random.default_rng(seed)
    _, inputs, options = op_cases(name)[index].build(rng)
    return {key: None if x is None else fractions(x, rng) for key, x in inputs.items()}, options, rng


def as_tuple(grads):
    return grads if isinstance(grads, tuple) else (grads,)


def both_sides(forward, backward, inputs, options, rng):
    """<dy, J v> and <backward(dy), v> for a random dy and v."""
    v = {key: None if x is None else fractions(rng.standard_normal(x.shape), rng) for key, x in inputs.items()}
    y, saved = forward(*(None if x is None else rationals(x, v[key]) for key, x in inputs.items()), **options)
    dy = fractions(rng.standard_normal(np.shape(y)), rng)
    left = total([product.derivative for product in np.asarray(dy * y, object).reshape(-1)])
    grads = as_tuple(backward(rationals(dy, Fraction(0)), saved))
    products = [grad * v[key] for (key, x), grad in zip(inputs.items(), grads, strict=True) if x is not None]
    return left, total([(ZERO + product).value for each in products for product in each.flat])


@pytest.mark.parametrize(("name", "index"), others_slow(FIRST + OTHERS, fast=len(FIRST)))
def test_both_sides_of_the_identity_are_equal(name, index):
    left, right = both_sides(*OPS[name], *sample(name, index))
    assert left == right
    assert type(left) is type(right) is Fraction
    assert left != 0


@pytest.mark.parametrize("name", RATIONAL)
def test_the_smallest_error_is_seen(name):
    """One entry of the first gradient off by 10^-100."""
    forward, backward = OPS[name]

    def wrong(dy, saved):
        first, *others = as_tuple(backward(dy, saved))
        first[np.unravel_index(first.size // 2, first.shape)] += Fraction(1, 10**100)
        return first, *others

    left, right = both_sides(forward, wrong, *sample(name, 0))
    assert left != right
    assert abs(left - right) < Fraction(1, 10**98)


def test_every_op_is_rational_or_known_not_to_be():
    assert {*RATIONAL, *TRANSCENDENTAL} == set(OPS)


@pytest.mark.parametrize("name", RATIONAL)
def test_the_forward_is_that_of_floats(name):
    inputs, options, _ = sample(name, 0)
    y, _ = OPS[name].forward(*(None if x is None else rationals(x, Fraction(0)) for x in inputs.values()), **options)
    floats, _ = OPS[name].forward(*(None if x is None else x.astype(float) for x in inputs.values()), **options)
    ours = np.array([float((ZERO + entry).value) for entry in np.asarray(y, object).reshape(-1)])
    np.testing.assert_allclose(ours, np.reshape(floats, -1), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_fractions_have_exact_difference_quotients(name):
    """These ops are sums of products of at most two inputs: the central difference of a parabola is exact, with h = 1."""
    inputs, options, rng = sample(name, 0, seed=1)
    v = {key: None if x is None else fractions(rng.standard_normal(x.shape), rng) for key, x in inputs.items()}
    forward, backward = OPS[name]

    def at(h):
        return forward(*(None if x is None else x + h * v[key] for key, x in inputs.items()), **options)[0]

    y, saved = forward(*inputs.values(), **options)
    dy = fractions(rng.standard_normal(y.shape), rng)
    grads = as_tuple(backward(dy, saved))
    right = total([total(grad * v[key]) for (key, x), grad in zip(inputs.items(), grads, strict=True) if x is not None])
    assert total(dy * (at(1) - at(-1))) / 2 == right
    assert type(right) is Fraction
    assert right != 0
