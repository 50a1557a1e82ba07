# mypy: disable-error-code="no-untyped-def"
"""Lesson 2, a low-rank addition to a layer: the gradients of two thin matrices."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 2.3 ---


def lora_backward(dy, x, a, b):
    return _both(dy, x, a, b)


def _rows(x):
    return x.reshape(-1, x.shape[-1])


def _both(dy, x, a, b, *, together=np.add):
    dy, x = _rows(dy), _rows(x)
    count = len(x) if together is np.mean else 1
    return x.T @ (dy @ b.T) / count, (x @ a).T @ dy / count


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for lead, n, r, m in (((4,), 5, 2, 3), ((2, 3), 6, 1, 4), ((1,), 3, 2, 7), ((), 4, 3, 2), ((2, 1, 3), 2, 3, 5)):
        x, dy = rng.standard_normal((*lead, n)), rng.standard_normal((*lead, m))
        yield Case((dy, x, rng.standard_normal((n, r)), rng.standard_normal((r, m))))


def _first_rows(dy, x, a, b):
    """Of each leading axis but the first, the first entry alone."""
    while x.ndim > 2:
        dy, x = dy[:, 0], x[:, 0]
    return _both(dy, x, a, b)


add(
    "2.3",
    lora_backward,
    _cases,
    outputs=("da", "db"),
    mistakes={
        "da and db have changed places": lambda dy, x, a, b: _both(dy, x, a, b)[::-1],
        "the gradients are averaged over the rows; they add up": (
            lambda dy, x, a, b: _both(dy, x, a, b, together=np.mean)
        ),
        "not all rows were counted: there may be one, two or three leading axes": _first_rows,
        "each is the transpose of what is asked for: da has the shape of `a`, db that of `b`": (
            lambda dy, x, a, b: tuple(grad.T for grad in _both(dy, x, a, b))
        ),
        "da is the gradient of `W`, which is large and not asked for; between x and dy stands `b`": (
            lambda dy, x, a, b: (_rows(x).T @ _rows(dy), _both(dy, x, a, b)[1])
        ),
        "db is the gradient of `W`, which is large and not asked for; the input of `b` is x @ a": (
            lambda dy, x, a, b: (_both(dy, x, a, b)[0], _rows(x).T @ _rows(dy))
        ),
        "the gradients are averaged over the batch; all rows add up": (
            lambda dy, x, a, b: tuple(grad / len(x) for grad in _both(dy, x, a, b))
        ),
    },
)
