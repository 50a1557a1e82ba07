# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, steps by the midpoint."""

from ..exercise import add
from .lesson_22_euler import steps_cases, walk

# --- 22.6 ---


def midpoint(velocity, noise, steps):
    return _halfway(velocity, noise, steps)


def _halfway(velocity, noise, steps, *, first=0.5, ask=0.5, last=1.0, ahead=False, sign=1.0, middle=None):
    x, length = noise, sign / steps
    for step in range(steps):
        now, then = 1 - step / steps, 1 - (step + 1) / steps
        half = x - first * length * velocity(x, now)
        time = now - ask / steps if middle is None else middle(now, then)
        x = (half if ahead else x) - last * length * velocity(half, time)
    return x


def _stepwise(one_step):
    """A rule for one step, from `now` to `then`."""

    def function(velocity, noise, steps):
        x = noise
        for step in range(steps):
            x = one_step(velocity, x, 1 - step / steps, 1 - (step + 1) / steps)
        return x

    return function


def _middle(velocity, x, now, then):
    return velocity(x + (then - now) / 2 * velocity(x, now), (now + then) / 2)


_half_without_x = _stepwise(
    lambda velocity, x, now, then: x + (then - now) * velocity((then - now) / 2 * velocity(x, now), (now + then) / 2)
)
_half_of_the_times = _stepwise(
    lambda velocity, x, now, then: (
        x + (then - now) * velocity(x + (now + then) / 2 * velocity(x, now), (now + then) / 2)
    )
)
_both_added = _stepwise(
    lambda velocity, x, now, then: x + (then - now) * (velocity(x, now) + _middle(velocity, x, now, then))
)


def _last_half(velocity, noise, steps):
    x = walk(velocity, noise, 0)
    for step in range(steps):
        now, then = 1 - step / steps, 1 - (step + 1) / steps
        half = x + (then - now) / 2 * velocity(x, now)
        x = x + (then - now) * velocity(half, (now + then) / 2)
    return half


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
    steps_cases,
    outputs=("images",),
    mistakes={
        "those are Euler's steps; ask again in the middle of each step": walk,
        "those are 2 * steps steps of Euler: the whole step begins at x, and takes the velocity of the middle alone": (
            lambda velocity, noise, steps: walk(velocity, noise, 2 * steps)
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
        "the half step has the wrong sign: t goes down, so it is (then - now) / 2 times the velocity": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, first=-0.5)
        ),
        "the half step begins at x: x + (then - now) / 2 times the velocity": _half_without_x,
        "(now + then) / 2 is the time in the middle; the half step is (then - now) / 2 long": _half_of_the_times,
        "now + then / 2 adds half of then; the middle is (now + then) / 2": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, middle=lambda now, then: now + then / 2)
        ),
        "(now - then) / 2 is half a step; the time in the middle is (now + then) / 2": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, middle=lambda now, then: (now - then) / 2)
        ),
        "the middle of each step has a time of its own, (now + then) / 2, and not 1/2": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps, middle=lambda now, then: 0.5)
        ),
        "the last trial was returned; asked is x": _last_half,
        "both velocities were added; the whole step takes that of the middle alone": _both_added,
        "np.linspace(1, 0, steps) has steps times, and one step fewer between them: steps + 1": (
            lambda velocity, noise, steps: _halfway(velocity, noise, steps - 1) if steps > 1 else noise.copy()
        ),
        "the sign: t goes down from 1 to 0": lambda velocity, noise, steps: _halfway(velocity, noise, steps, sign=-1.0),
    },
)  # fmt: skip
