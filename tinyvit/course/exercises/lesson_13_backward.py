# mypy: disable-error-code="no-untyped-def"
"""Lesson 13, from the answer back to the attention."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 13.4 ---


def attention_gradient(dy, weight, v):
    return _gradient(dy, weight, v)


def _gradient(dy, weight, v, *, cut=True, scale=1.0):
    B, h, N, d = v.shape
    dheads = dy @ weight.T
    dheads = dheads.reshape(B, N, h, d).swapaxes(1, 2) if cut else dheads.reshape(B, h, N, d)
    return scale * dheads @ v.swapaxes(-1, -2)


def _heads_behind(dy, weight, v):
    B, h, N, d = v.shape
    return (dy @ weight.T).reshape(B, N, h, d) @ v.swapaxes(-1, -2)


def _diagonal_only(dy, weight, v):
    return np.diagonal(_gradient(dy, weight, v), axis1=-2, axis2=-1)


def _gradient_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, h, N, d in (
        (1, 2, 3, 5),
        (2, 3, 5, 2),
        (2, 1, 3, 4),
        (3, 2, 1, 4),
        (2, 3, 4, 1),
        tuple(rng.permutation(range(2, 7))[:4]),
    ):
        yield Case(
            (rng.standard_normal((B, N, h * d)), rng.standard_normal((h * d, h * d)), rng.standard_normal((B, h, N, d)))
        )


add(
    "13.4",
    attention_gradient,
    _gradient_cases,
    outputs=("dweights",),
    mistakes={
        "the way back through a linear layer is dy @ weight.T, with the transpose": (
            lambda dy, weight, v: _gradient(dy, weight.T, v)
        ),
        "the way back through proj is missing": lambda dy, weight, v: _gradient(dy, np.eye(len(weight)), v),
        "reshape alone does not swap axes: reshape to (B, N, h, d) first, then swapaxes(1, 2)": (
            lambda dy, weight, v: _gradient(dy, weight, v, cut=False)
        ),
        "the heads stand behind the tokens: after the reshape to (B, N, h, d) comes swapaxes(1, 2)": _heads_behind,
        "that is dy_i · v_i only; every dy_i meets every v_j, and that is a product of matrices": _diagonal_only,
        "rows and columns have changed places: row i belongs to dy_i, column j to v_j": (
            lambda dy, weight, v: _gradient(dy, weight, v).swapaxes(-1, -2)
        ),
        "1/sqrt(d) belongs to the scores; between the weights and y there is none": (
            lambda dy, weight, v: _gradient(dy, weight, v, scale=v.shape[-1] ** -0.5)
        ),
    },
)
