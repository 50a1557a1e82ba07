# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, from noise to images: Euler's steps, guidance, and steps by the midpoint."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..exercise import Case, add

# --- 22.3 ---


def euler(velocity, noise, steps):
    return _walk(velocity, noise, steps)


def _walk(velocity, noise, steps, *, sign=1.0, ask=0.0, first=0, last=0, upwards=False):
    x = noise
    for step in range(first, steps - last):
        now = step / steps if upwards else 1 - step / steps
        x = x - sign / steps * velocity(x, now - ask / steps)
    return x


def _steps_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Velocities that depend on x and t, each in a way that matters."""
    for shape, steps in (((3, 2), 4), ((1, 3), 1), ((2, 1, 3, 2), 7), ((4,), 2), ((2, 2), 3)):
        matrix, bend = rng.standard_normal((shape[-1], shape[-1])), rng.uniform(0.5, 2)
        velocity = lambda x, t, matrix=matrix, bend=bend: x @ matrix * (0.5 + t) + np.sin(x) + bend * t * t  # noqa: E731
        yield Case((velocity, rng.standard_normal(shape), steps))


def _from_noise(velocity, noise, steps):
    x = noise
    for step in range(steps):
        x = noise - 1 / steps * velocity(x, 1 - step / steps)
    return x


def _at_noise(velocity, noise, steps):
    x = noise
    for step in range(steps):
        x = x - 1 / steps * velocity(noise, 1 - step / steps)
    return x


add(
    "22.3",
    euler,
    _steps_cases,
    outputs=("images",),
    mistakes={
        "the sign: t goes down from 1 to 0, so a step is -1/steps times the velocity": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, sign=-1.0)
        ),
        "the times ran up from 0; sampling begins with noise, at t = 1": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, upwards=True)
        ),
        "the times ran up from 0, and x followed the velocity forwards; sampling begins at t = 1 and goes back": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, upwards=True, sign=-1.0)
        ),
        "the velocity was asked at the end of the step; Euler asks where the step begins": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, ask=1.0)
        ),
        "the velocity was always asked at t = 1; the time of each step is 1 - step / steps": (
            lambda velocity, noise, steps: _walk(lambda x, t: velocity(x, 1.0), noise, steps)
        ),
        "each step went the whole way; there are `steps` of them, each 1/steps long": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, sign=float(steps))
        ),
        "the last step is missing: range(steps) ends with the step to t = 0": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, last=1)
        ),
        "the first step is missing: the first one begins at t = 1": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, first=1)
        ),
        "only one step was made: is the return inside the loop?": (
            lambda velocity, noise, steps: _walk(velocity, noise, steps, last=steps - 1)
        ),
        "each step began at the noise again; it begins where the step before has come to": _from_noise,
        "the velocity was always asked at the noise; ask it at x, where you are": _at_noise,
    },
)

# --- 22.5 ---


def guided(velocity, x, t, labels, unknown, guidance):
    return _led(velocity, x, t, labels, unknown, guidance)


def _led(velocity, x, t, labels, unknown, guidance):
    told, free = _two(velocity, x, t, labels, unknown)
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
        table = rng.standard_normal((classes + 1, *shape[1:]))

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
        "t is one number, and the velocity wants one for each image: np.full(len(x), t)": (
            lambda velocity, x, t, labels, unknown, guidance: velocity(x, t, labels)
        ),
    },
)  # fmt: skip

# --- 22.6 ---


def midpoint(velocity, noise, steps):
    return _halfway(velocity, noise, steps)


def _halfway(velocity, noise, steps, *, first=0.5, ask=0.5, last=1.0, ahead=False, sign=1.0):
    x, length = noise, sign / steps
    for step in range(steps):
        now = 1 - step / steps
        half = x - first * length * velocity(x, now)
        x = (half if ahead else x) - last * length * velocity(half, now - ask / steps)
    return x


def _heun(velocity, noise, steps):
    x = noise
    for step in range(steps):
        now, then = 1 - step / steps, 1 - (step + 1) / steps
        first = velocity(x, now)
        x = x - (first + velocity(x - first / steps, then)) / (2 * steps)
    return x


add(
    "22.6",
    midpoint,
    _steps_cases,
    outputs=("images",),
    mistakes={
        "those are Euler's steps; ask again in the middle of each step": _walk,
        "those are 2 * steps steps of Euler: the whole step begins at x, and takes the velocity of the middle alone": (
            lambda velocity, noise, steps: _walk(velocity, noise, 2 * steps)
        ),
        "the middle of the step was asked at x, where it begins; ask at the point half a step further": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, first=0.0)
        ),
        "the time at the middle is half a step further, too": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, ask=0.0)
        ),
        "the second question was at the end of the step, with half of the way gone; ask at the middle's time": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, ask=1.0)
        ),
        "the whole step began at the middle; it begins at x, with the velocity that was found in the middle": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, ahead=True)
        ),
        "only half of each step was made: the middle is for asking, then the whole step": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, last=0.5)
        ),
        "the first try went a whole step; the middle is half a step away": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, first=1.0)
        ),
        "that is Heun's method, which averages both ends and is as good; here ask in the middle": (
            _heun
        ),
        "the sign: t goes down from 1 to 0": lambda velocity, noise, steps: _halfway(velocity, noise, steps, sign=-1.0),
    },
)  # fmt: skip
