# mypy: disable-error-code="no-untyped-def"
"""Lesson 11, the learning rate of a step."""

import math
from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 11.3 ---


def learning_rate(step, total, warmup, base, minimum):
    return _rate(step, total, warmup, base, minimum)


def _rate(
    step, total, warmup, base, minimum, *,
    first=1, last=0, start=None, end=None, shape=None, floor=None, ends=True, added=True,
):  # fmt: skip
    if step < warmup + last:
        return base * (step + first) / warmup
    if ends and step >= total:
        return minimum if floor is None else floor
    start = warmup if start is None else start
    progress = (step - start) / (total - start if end is None else end)
    height = 0.5 * (1 + math.cos(math.pi * progress)) if shape is None else shape(progress)
    floor = minimum if floor is None else floor
    return floor * added + (base - floor) * height


def _rate_cases(rng: np.random.Generator) -> Iterator[Case]:
    for _ in range(3):
        warmup, total = int(rng.integers(5, 10)), int(rng.integers(40, 60))
        base = rng.uniform(0.1, 1)
        minimum = base * rng.uniform(0.05, 0.2)
        for step in (int(rng.integers(warmup + 3, 22)), int(rng.integers(1, 4)), 0, warmup, total - 1, total + 3):
            yield Case((step, total, warmup, base, minimum))
        yield Case((int(rng.integers(5, 15)), total, 0, base, minimum))


def _length_forgotten(step, total, warmup, base, minimum):
    return _rate(step, total, warmup, base, minimum, end=total)


def _too_high(step, total, warmup, base, minimum):
    falling = warmup <= step < total
    return _rate(step, total, warmup, base + minimum if falling else base, minimum)


add(
    "11.3",
    learning_rate,
    _rate_cases,
    outputs=("rate",),
    mistakes={
        "the warm-up begins at 0, so that the first step does nothing: use step + 1": (
            lambda *arguments: _rate(*arguments, first=0)
        ),
        "the cosine was counted from step 0: progress is 0 where the warm-up ends": (
            lambda *arguments: _rate(*arguments, start=0)
        ),
        "the rate falls to 0; it should stop at minimum": lambda *arguments: _rate(*arguments, floor=0.0),
        "the rate falls along a straight line; half a cosine is wanted": (
            lambda *arguments: _rate(*arguments, shape=lambda progress: 1 - progress)
        ),
        "this is a quarter of a cosine: use (1 + cos(pi * progress)) / 2, which is flat at both ends": (
            lambda *arguments: _rate(*arguments, shape=lambda progress: math.cos(math.pi * progress / 2))
        ),
        "the rate begins at base + minimum: what falls is base - minimum, on top of minimum": _too_high,
        "after the last step the cosine comes up again: from step total on the rate is minimum": (
            lambda *arguments: _rate(*arguments, ends=False)
        ),
        "it rises from minimum to base: (1 + cos(pi * progress)) / 2, with a plus": (
            lambda *arguments: _rate(*arguments, shape=lambda progress: (1 - math.cos(math.pi * progress)) / 2)
        ),
        "pi is missing: cos(pi * progress) runs through half a wave": (
            lambda *arguments: _rate(*arguments, shape=lambda progress: (1 + math.cos(progress)) / 2)
        ),
        "progress runs from 0 to 1 over the total - warmup steps that are left; you divided by total": (
            _length_forgotten
        ),
        "`minimum +` is missing: what falls is base - minimum, on top of minimum": (
            lambda *arguments: _rate(*arguments, added=False)
        ),
        "step `warmup` is no step of the warm-up any more: step < warmup, not <=": (
            lambda *arguments: _rate(*arguments, last=1)
        ),
    },
    not_to_call=("optim/",),
)
