# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, from noise to an image by Euler's steps."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 22.3 ---


def euler(velocity, noise, steps):
    return walk(velocity, noise, steps)


def walk(velocity, noise, steps, *, sign=1.0, ask=0.0, first=0, last=0, upwards=False):
    x = noise
    for step in range(first, steps - last):
        now = step / steps if upwards else 1 - step / steps
        x = x - sign / steps * velocity(x, now - ask / steps)
    return x


def _along(velocity, noise, steps, *, times=lambda steps: 1 - np.arange(steps) / steps, length=None, go=None):
    """Steps at any times, of any length, or with another rule."""
    x, times = noise, times(steps)
    for number, now in enumerate(times):
        d = 1 / steps if length is None else length(times, number)
        x = x - d * velocity(x, now) if go is None else go(x, now, d * velocity(x, now))
    return x


def _to_the_next(times, number):
    return times[number] - times[number + 1] if number + 1 < len(times) else 0.0


def _too_few(steps):
    return np.linspace(1, 0, steps)


def steps_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Velocities that depend on x and t, each in a way that matters; the last one cannot be asked at t = 0."""
    anywhere = -np.inf
    for shape, steps, least in (
        ((3, 2), 4, anywhere),
        ((1, 3), 1, anywhere),
        ((2, 1, 3, 2), 7, anywhere),
        ((4,), 2, anywhere),
        ((2, 2), 3, 1e-9),
    ):
        matrix, bend = rng.standard_normal((shape[-1], shape[-1])), rng.uniform(0.5, 2)

        def velocity(x, t, matrix=matrix, bend=bend, least=least):
            if np.ndim(x) == 0 or np.ndim(t):
                raise ValueError(f"velocity(x, t) wants x and one time t, got shapes {np.shape(x)} and {np.shape(t)}")
            if t < least:
                raise ValueError("velocity was asked at t = 0, where it divides by 0")
            return x @ matrix * (0.5 + t) + np.sin(x) + bend * t * t

        yield Case((velocity, rng.standard_normal(shape), steps), by_chance=least > 0)


def _asking_behind(velocity, noise, steps):
    x = walk(velocity, noise, steps)
    velocity(x, 0.0)
    return x


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
    steps_cases,
    outputs=("images",),
    mistakes={
        "the sign: t goes down from 1 to 0, so a step is -1/steps times the velocity": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, sign=-1.0)
        ),
        "the times ran up from 0; sampling begins with noise, at t = 1": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, upwards=True)
        ),
        "the times ran up from 0, and x followed the velocity forwards; sampling begins at t = 1 and goes back": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, upwards=True, sign=-1.0)
        ),
        "the velocity was asked at the end of the step; Euler asks where the step begins": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, ask=1.0)
        ),
        "the velocity was always asked at t = 1; the time of each step is 1 - step / steps": (
            lambda velocity, noise, steps: walk(lambda x, t: velocity(x, 1.0), noise, steps)
        ),
        "each step went the whole way; there are `steps` of them, each 1/steps long": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, sign=float(steps))
        ),
        "the last step is missing: range(steps) ends with the step to t = 0": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, last=1)
        ),
        "the first step is missing: the first one begins at t = 1": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, first=1)
        ),
        "only one step was made: is the return inside the loop?": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, last=steps - 1)
        ),
        "a step too many was made, and it asked at t = 0: `steps` steps begin at 1, and the last one ends at 0": (
            lambda velocity, noise, steps: walk(velocity, noise, steps, last=-1)
        ),
        "the velocity was asked behind the last step, at t = 0; in each step, ask first and go then": (_asking_behind),
        "np.linspace(1, 0, steps) has steps times, and one step fewer between them: steps + 1": (
            lambda velocity, noise, steps: walk(velocity, noise, steps - 1)
        ),
        "np.linspace(1, 0, steps) ends at t = 0, and its times are too far apart: the next one begins at 1 - 1/steps": (
            lambda velocity, noise, steps: _along(velocity, noise, steps, times=_too_few)
        ),
        "the number of the step was taken for its time, which is 1 - step / steps": (
            lambda velocity, noise, steps: _along(velocity, noise, steps, times=lambda steps: np.arange(float(steps)))
        ),
        "the time was not divided by steps: it is 1 - step / steps": (
            lambda velocity, noise, steps: _along(velocity, noise, steps, times=lambda steps: 1.0 - np.arange(steps))
        ),
        "each step was as long as the time that is left; it is 1/steps long": (
            lambda velocity, noise, steps: _along(velocity, noise, steps, length=lambda times, number: times[number])
        ),
        "x was lost: a step adds to x": (
            lambda velocity, noise, steps: _along(velocity, noise, steps, go=lambda x, now, move: move)
        ),
        "x was mixed with the velocity as an image with noise; a step adds to x": (
            lambda velocity, noise, steps: _along(
                velocity,
                noise,
                steps,
                length=lambda times, number: 1.0,
                go=lambda x, now, v: (1 - now) * x + now * v,
            )
        ),
        "the sign of the whole way: t goes down from 1 to 0, so the velocities are taken off the noise": (
            lambda velocity, noise, steps: 2 * noise - walk(velocity, noise, steps)
        ),
        "all places on the way came; asked is the last one": (
            lambda velocity, noise, steps: np.stack(
                [walk(velocity, noise, steps, last=steps - count) for count in range(steps + 1)]
            )
        ),
        "each step began at the noise again; it begins where the step before has come to": _from_noise,
        "the velocity was always asked at the noise; ask it at x, where you are": _at_noise,
    },
)
