# mypy: disable-error-code="no-untyped-def"
"""Lesson 17, the backward of a product of matrices."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 17.3 ---


def matmul_backward(dy, a, b):
    return _gradients(dy, a, b)


def _turned(x):
    return x.swapaxes(-1, -2)


def _gradients(dy, a, b, *, together=np.sum):
    da, db = dy @ _turned(b), _turned(a) @ dy
    extra = db.ndim - b.ndim
    return da, together(db, axis=tuple(range(extra))) if extra else db


def _matmul_cases(rng: np.random.Generator) -> Iterator[Case]:
    free = [int(n) for n in rng.permutation([2, 3, 4, 5, 6])]
    for B, h, N, K, M in (free, (4, 3, 6, 2, 5), (1, 2, 1, 3, 4), (2, 1, 3, 1, 5), (3, 2, 4, 5, 1)):
        for front, shared in (((), False), ((B,), True), ((B,), False), ((B, h), False), ((B, h), True)):
            a = rng.standard_normal((*front, N, K))
            b = rng.standard_normal((K, M) if shared else (*front, K, M))
            yield Case((rng.standard_normal((*front, N, M)), a, b))


def _unsummed(dy, a, b):
    return dy @ _turned(b), _turned(a) @ dy


def _one_image(dy, a, b):
    da, db = _unsummed(dy, a, b)
    while db.ndim > b.ndim:
        db = db[0]
    return da, db


add(
    "17.3",
    matmul_backward,
    _matmul_cases,
    outputs=("da", "db"),
    mistakes={
        "da and db are swapped in the return": lambda dy, a, b: _gradients(dy, a, b)[::-1],
        "da is transposed: da is dy @ b transposed, in that order": (
            lambda dy, a, b: (_turned(_gradients(dy, a, b)[0]), _gradients(dy, a, b)[1])
        ),
        "db is transposed: db is a transposed @ dy, in that order": (
            lambda dy, a, b: (_gradients(dy, a, b)[0], _turned(_gradients(dy, a, b)[1]))
        ),
        "b is shared by the batch: sum db over the axes that b does not have": _unsummed,
        "db was summed over its first axis: sum over all the axes in front that b does not have, and over no others": (
            lambda dy, a, b: (dy @ _turned(b), (_turned(a) @ dy).sum(0))
        ),
        "db was averaged over the batch; gradients of what is shared add up": (
            lambda dy, a, b: _gradients(dy, a, b, together=np.mean)
        ),
        "db was taken from the first matrix of the batch only; all of them use b": _one_image,
        "db has the wrong sign: there is no minus in a product's gradient": (
            lambda dy, a, b: (_gradients(dy, a, b)[0], -_gradients(dy, a, b)[1])
        ),
    },
)
