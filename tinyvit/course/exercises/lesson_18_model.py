# mypy: disable-error-code="no-untyped-def"
"""Lesson 18, the backward of a whole model."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 18.3 ---


def backward_through(dy, steps):
    return _back(dy, steps)


def _back(dy, steps, *, forwards=False, stay=False, last=False, skip=0, named=lambda own: own):
    d, grads = dy, dict[str, np.ndarray]()
    for step in (list(steps) if forwards else list(reversed(steps)))[skip:]:
        dx, own = step(dy if stay else d)
        d = dx
        grads = named(own) if last else grads | named(own)
    return d, grads


def _step(rng, name, m, n):
    """The backward of a linear layer from m to n numbers; its name is another in every case."""
    weight, x = rng.standard_normal((m, n)), rng.standard_normal((3, m))

    def step(dy):
        if isinstance(dy, tuple):
            raise ValueError("a step takes dy, one array, and returns two things, dx and its grads")
        return dy @ weight.T, {f"{name}.weight": x.T @ dy, f"{name}.bias": dy.sum(0)}

    return step


def _through_cases(rng: np.random.Generator) -> Iterator[Case]:
    for widths in ((4, 4, 4), (3, 5, 2, 4), (1, 2), (6, 1, 3), (3, 3, 3, 3, 3)):
        steps = [_step(rng, f"part{i}", *widths[i : i + 2]) for i in range(len(widths) - 1)]
        yield Case((rng.standard_normal((3, widths[-1])), steps))


def _twice(dy, steps):
    dx, grads = dy, dict[str, np.ndarray]()
    for step in reversed(steps):
        dx = step(dx)[0]
        grads |= step(dx)[1]
    return dx, grads


def _added(dy, steps):
    dx, grads = dy, dict[str, np.ndarray]()
    for step in reversed(steps):
        d, own = step(dx)
        dx, grads = dx + d, grads | own
    return dx, grads


add(
    "18.3",
    backward_through,
    _through_cases,
    outputs=("dx", "grads"),
    mistakes={
        "the steps were walked from the first to the last; backward begins at the end: reversed(steps)": (
            lambda dy, steps: _back(dy, steps, forwards=True)
        ),
        "each step was given the dy of the whole; it gets what the step before it, nearer to the end, handed back": (
            lambda dy, steps: _back(dy, steps, stay=True)
        ),
        "grads has the gradients of one step alone: add each step's to those you have, grads | own": (
            lambda dy, steps: _back(dy, steps, last=True)
        ),
        "the last step was left out": lambda dy, steps: _back(dy, steps, skip=1),
        "the first step was left out": lambda dy, steps: _back(dy, steps[1:]),
        "one step was walked, the last of the forward: is there a loop, and the return behind it, less indented?": (
            lambda dy, steps: _back(dy, steps[-1:])
        ),
        "dy came back unchanged: dx is what the first step handed back last": (
            lambda dy, steps: (dy.copy(), _back(dy, steps)[1])
        ),
        "grads is empty: `grads | own` makes a new dict and changes neither, so give it a name": (
            lambda dy, steps: (_back(dy, steps)[0], {})
        ),
        "a step was called twice, at last with the dx that it had handed back: take both things from one call": (
            _twice
        ),
        "dx was added to the dy of its part; only a residual connection adds, and that is inside of a part": _added,
    },
)
