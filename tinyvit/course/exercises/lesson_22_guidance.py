# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, classifier-free guidance."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..exercise import Case, add

# --- 22.5 ---


def guided(velocity, x, t, labels, unknown, guidance):
    return _led(velocity, x, t, labels, unknown, guidance)


def _led(velocity, x, t, labels, unknown, guidance):
    told, free = _two(velocity, x, t, labels, unknown)
    return _mix(told, free, guidance)


def _mix(told, free, guidance):
    return free + guidance * (told - free)


def _two(velocity, x, t, labels, unknown):
    times = np.full(len(x), t)
    return velocity(x, times, labels), velocity(x, times, np.full_like(labels, unknown))


def _mixed(mix: Callable[..., Any]):
    def function(velocity, x, t, labels, unknown, guidance):
        return mix(*_two(velocity, x, t, labels, unknown), guidance)

    return function


def _guided_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Velocities that want B times and B labels, and tell each of them."""
    for shape, classes, guidance in (((3, 2), 4, 2.0), ((1, 3), 2, 3.5), ((2, 1, 3, 2), 10, 1.5), ((4, 2), 3, 0.4)):
        table = rng.standard_normal((classes + 2, *shape[1:]))  # one more, so that -1 is not `unknown`

        def velocity(x, times, labels, table=table):
            times, labels = np.asarray(times), np.asarray(labels)
            if times.shape != (len(x),) or labels.shape != (len(x),):
                raise ValueError(f"times {times.shape} and labels {labels.shape} must both be ({len(x)},)")
            return table[labels] * x + times.reshape(-1, *[1] * (x.ndim - 1)) * np.cos(x)

        labels = rng.integers(1, classes, shape[0])
        yield Case((velocity, rng.standard_normal(shape), float(rng.uniform(0.1, 0.9)), labels, classes, guidance))


add(
    "22.5",
    guided,
    _guided_cases,
    outputs=("velocity",),
    mistakes={
        "told and free are exchanged: start from free, and go towards told": _mixed(
            lambda told, free, guidance: told + guidance * (free - told)
        ),
        "it starts from told, so guidance 0 gives told; here 0 gives free and 1 gives told: start from free": _mixed(
            lambda told, free, guidance: told + guidance * (told - free)
        ),
        "free was not taken off: free + guidance (told - free)": _mixed(
            lambda told, free, guidance: free + guidance * told
        ),
        "that is the difference alone; add it to free": _mixed(lambda told, free, guidance: guidance * (told - free)),
        "told alone was multiplied; what counts is what the class adds, told - free": _mixed(
            lambda told, free, guidance: guidance * told
        ),
        "that is told: the guidance has no effect": _mixed(lambda told, free, guidance: told),
        "that is free: the classes have no effect": _mixed(lambda told, free, guidance: free),
        "the sign: away from free means free + guidance (told - free)": _mixed(
            lambda told, free, guidance: free - guidance * (told - free)
        ),
        "class 0 is a class; the one that is not known has the number `unknown`": (
            lambda velocity, x, t, labels, unknown, guidance: _led(velocity, x, t, labels, 0, guidance)
        ),
        "-1 is not the label that means not known; that is `unknown`": (
            lambda velocity, x, t, labels, unknown, guidance: _led(velocity, x, t, labels, -1, guidance)
        ),
        "the time became a whole number, as labels are: np.full(len(x), t)": (
            lambda velocity, x, t, labels, unknown, guidance: _led(velocity, x, int(t), labels, unknown, guidance)
        ),
        "the unknown was put in the place of the time; it is a label": (
            lambda velocity, x, t, labels, unknown, guidance: _mix(
                velocity(x, np.full(len(x), t), labels), velocity(x, np.full(len(x), unknown), labels), guidance
            )
        ),
        "that is a mean of both, with weights that add up to 1; guidance goes beyond told": _mixed(
            lambda told, free, guidance: (free + guidance * told) / (1 + guidance)
        ),
        "guidance below 1 counts, too: one formula for all": (
            lambda velocity, x, t, labels, unknown, guidance: _led(velocity, x, t, labels, unknown, max(guidance, 1.0))
        ),
        "that is a step with the velocity; asked is the velocity": (
            lambda velocity, x, *given: x - _led(velocity, x, *given)
        ),
        "t is one number, and the velocity wants one for each image: np.full(len(x), t)": (
            lambda velocity, x, t, labels, unknown, guidance: velocity(x, t, labels)
        ),
    },
)  # fmt: skip
