# mypy: disable-error-code="no-untyped-def"
"""Lesson 6, GELU and the MLP."""

import math
from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

_erf = np.vectorize(math.erf)


def _cdf(x):
    return (1 + _erf(x / math.sqrt(2))) / 2


def _bell(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _numbers(rng: np.random.Generator) -> list[np.ndarray]:
    shapes = ((7,), (3, 5), tuple(rng.integers(2, 6, 3)), (2, 1, 3, 4), (1, 1))
    return [*(2 * rng.standard_normal(shape) for shape in shapes), np.array([0.0, 40.0, -40.0, -1e3, 1e3])]


# --- 6.1 ---


def gelu_forward(x):
    gate = _cdf(x)
    return x * gate, (x, gate)


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for x in _numbers(rng):
        yield Case((x,))


def _gated(x, gate):
    return x * gate, (x, gate)


def _sigmoid(x):
    return (1 + np.tanh(x / 2)) / 2


def _only_gate(x):
    gate = _cdf(x)
    return gate, (x, gate)


add(
    "6.1",
    gelu_forward,
    _forward_cases,
    outputs=("y", "x", "gate"),
    mistakes={
        "x was not divided by sqrt(2) inside erf": lambda x: _gated(x, (1 + _erf(x)) / 2),
        "x was multiplied by sqrt(2) inside erf; it is divided by it": (
            lambda x: _gated(x, (1 + _erf(x * math.sqrt(2))) / 2)
        ),
        "x was divided by 2 inside erf; it is the square root of 2": lambda x: _gated(x, (1 + _erf(x / 2)) / 2),
        "the gate goes from -1 to 1; add 1 and halve it": lambda x: _gated(x, _erf(x / math.sqrt(2))),
        "1 is to be added to erf, and then both are halved: (1 + erf(...)) / 2": (
            lambda x: _gated(x, _erf(x / math.sqrt(2)) / 2)
        ),
        "brackets are missing: (1 + erf(...)) / 2 halves both": lambda x: _gated(x, 1 + _erf(x / math.sqrt(2)) / 2),
        "the gate goes from 0 to 2; halve it": lambda x: _gated(x, 1 + _erf(x / math.sqrt(2))),
        "y is the gate alone; multiply x by it": _only_gate,
        "this is the tanh form; the exact one has erf": (
            lambda x: _gated(x, (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2)
        ),
        "the gate is the bell curve φ; it must be Φ, the share of numbers below x": lambda x: _gated(x, _bell(x)),
        "math.erf takes one number; np.vectorize(math.erf) takes an array": (
            lambda x: _gated(x, (1 + math.erf(x / math.sqrt(2))) / 2)
        ),
        "what the backward will need is missing: return y, (x, gate)": lambda x: x * _cdf(x),
        "saved is (x, gate), in this order": lambda x: (x * _cdf(x), (_cdf(x), x)),
        "this is ReLU: the gate jumps from 0 to 1": lambda x: _gated(x, (x > 0).astype(x.dtype)),
        "that is erf alone; x is divided by sqrt(2) inside it, 1 is added, and the sum halved": (
            lambda x: _gated(x, _erf(x))
        ),
        "brackets: x is divided by sqrt(2) inside erf, and not erf by it": (
            lambda x: _gated(x, (1 + _erf(x) / math.sqrt(2)) / 2)
        ),
        "this is SiLU, whose gate is a sigmoid; GELU's has erf": lambda x: _gated(x, _sigmoid(x)),
        "this is the quick form, a sigmoid of 1.702 x; the exact one has erf": (
            lambda x: _gated(x, _sigmoid(1.702 * x))
        ),
    },
)


# --- 6.2 ---


def gelu_backward(dy, saved):
    x, gate = saved
    return dy * (gate + x * _bell(x))


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for x in _numbers(rng):
        yield Case((rng.standard_normal(x.shape), (x, _cdf(x))))


add(
    "6.2",
    gelu_backward,
    _backward_cases,
    outputs=("dx",),
    mistakes={
        "the gate moves too when x moves: the part x φ(x) is missing": lambda dy, saved: dy * saved[1],
        "only the part through the gate is there; x itself moves too, which gives Φ(x)": (
            lambda dy, saved: dy * saved[0] * _bell(saved[0])
        ),
        "the second part is x φ(x); the factor x is missing": lambda dy, saved: dy * (saved[1] + _bell(saved[0])),
        "the bell curve is divided by sqrt(2 pi), and that is missing": (
            lambda dy, saved: dy * (saved[1] + saved[0] * np.exp(-(saved[0] ** 2) / 2))
        ),
        "the bell curve has exp(-x²/2), not exp(-x²)": (
            lambda dy, saved: dy * (saved[1] + saved[0] * np.exp(-(saved[0] ** 2)) / math.sqrt(2 * math.pi))
        ),
        "dy multiplies both parts; brackets: dy * (... + ...)": (
            lambda dy, saved: dy * saved[1] + saved[0] * _bell(saved[0])
        ),
        "dy multiplies both parts; brackets: dy * (... + ...), and not (...) + dy * (...)": (
            lambda dy, saved: saved[1] + dy * saved[0] * _bell(saved[0])
        ),
        "the bell curve falls on both sides: exp(-x²/2), with a minus": (
            lambda dy, saved: dy * (saved[1] + saved[0] * np.exp(saved[0] ** 2 / 2) / math.sqrt(2 * math.pi))
        ),
        "... / sqrt(2) * pi multiplies by pi; it is / sqrt(2 * pi)": (
            lambda dy, saved: dy * (saved[1] + saved[0] * np.exp(-(saved[0] ** 2) / 2) / math.sqrt(2) * math.pi)
        ),
        "dy is missing: the slope is to be multiplied by it": lambda dy, saved: saved[1] + saved[0] * _bell(saved[0]),
        "the two parts of the product rule are added, not subtracted": (
            lambda dy, saved: dy * (saved[1] - saved[0] * _bell(saved[0]))
        ),
        "gate * (1 - gate) is a sigmoid's slope; that of Φ is the bell curve φ": (
            lambda dy, saved: dy * (saved[1] + saved[0] * saved[1] * (1 - saved[1]))
        ),
        "brackets: the half belongs to x² in the exponent, exp(-x²/2), and not to exp": (
            lambda dy, saved: dy * (saved[1] + saved[0] * np.exp(-(saved[0] ** 2)) / 2 / math.sqrt(2 * math.pi))
        ),
        "this is the slope of ReLU": lambda dy, saved: dy * (saved[0] > 0),
        "2 / sqrt(pi) belongs to the slope of erf; the bell curve has 1 / sqrt(2 pi)": (
            lambda dy, saved: dy * (saved[1] + saved[0] * np.exp(-(saved[0] ** 2) / 2) * 2 / math.sqrt(math.pi))
        ),
    },
)
