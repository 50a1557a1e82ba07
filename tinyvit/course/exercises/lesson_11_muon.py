# mypy: disable-error-code="no-untyped-def"
"""Lesson 11, a step in which all directions count alike: Newton-Schulz rounds."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 11.4 ---


def orthogonalize(x, rounds):
    return _rounds(x, rounds)


def _rounds(x, rounds, *, norm=np.linalg.norm, a=1.5, b=-0.5, more=0, cubic=True):
    x = x / norm(x)
    with np.errstate(all="ignore"):  # some mistakes overflow
        return _repeated(x, rounds + more, a, b, cubic)


def _repeated(x, rounds, a, b, cubic):
    for _ in range(rounds):
        x = a * x + b * (x @ x.T @ x if cubic else x**3)
    return x


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for rows, columns in ((3, 5), (4, 2), (1, 4), (3, 3), (5, 1), (2, 7)):
        for rounds in (0, 1, int(rng.integers(2, 12))):
            yield Case((10.0 ** rng.uniform(-3, 3) * rng.standard_normal((rows, columns)), rounds))


def _largest_row(x):
    return np.linalg.norm(x, axis=1).max()


add(
    "11.4",
    orthogonalize,
    _cases,
    outputs=("x",),
    mistakes={
        "first divide by the length of the whole array": lambda x, n: _rounds(x, n, norm=lambda x: 1.0),
        "the length is the root of the sum of all squares; this is the largest singular value": (
            lambda x, n: _rounds(x, n, norm=lambda x: np.linalg.norm(x, 2))
        ),
        "the length is the root of the sum of all squares; this is the largest number": (
            lambda x, n: _rounds(x, n, norm=lambda x: np.abs(x).max())
        ),
        "the length is the root of the sum of all squares; this is that of the longest row": (
            lambda x, n: _rounds(x, n, norm=_largest_row)
        ),
        "x³ of a matrix is x @ x.T @ x; here each number was cubed by itself": (
            lambda x, n: _rounds(x, n, cubic=False)
        ),
        "the cubic term is taken off: 1.5 x - 0.5 x³": lambda x, n: _rounds(x, n, b=0.5),
        "it is 1.5 x - 0.5 x³, so that 1 stays 1": lambda x, n: _rounds(x, n, a=1.0),
        "one round too many": lambda x, n: _rounds(x, n, more=1),
    },
)
