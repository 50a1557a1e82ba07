# mypy: disable-error-code="no-untyped-def"
"""Lesson 14, a log that seldom makes the host wait."""

from collections.abc import Iterator

import numpy as np

from .. import strict_cupy
from ..exercise import Case, add
from .lesson_14 import looked_at

# --- 14.3 ---


def log_means(step, steps, every):
    return _log(step, steps, every)


def _log(step, steps, every, *, read=lambda loss: loss, report=float, keep=False, divide=True, first=0, after=0):
    means, total = [], 0.0
    for i in range(steps):
        total = total + read(step(i))
        if (i + 1) % every == first % every and i >= after:
            means.append(report(total / every if divide else total))
            total = total if keep else 0.0
    return means


def _last_only(step, steps, every):
    losses = [step(i) for i in range(steps)]
    return [float(loss) for loss in losses[every - 1 :: every]]


def _twice(step, steps, every):
    def do_and_do_again(i):
        step(i)
        return step(i)

    return _log(do_and_do_again, steps, every)


def _one_for_all(step, steps, every):
    return [float(sum(step(i) for i in range(steps))) / steps]


def _at_the_end(step, steps, every):
    losses = strict_cupy.stack([step(i) for i in range(steps)])
    return list(losses.reshape(-1, every).mean(axis=1).get())


def _training(losses):
    done = 0

    def step(i):
        nonlocal done
        if i == 0:
            strict_cupy.host_reads().clear()  # a new run begins
        elif i != (due := done % len(losses)):
            raise RuntimeError(f"step({i}) was called where step({due}) is due: each step is done once, in order")
        done = i + 1
        return strict_cupy.asarray(losses[i])

    return step


def _log_cases(rng: np.random.Generator) -> Iterator[Case]:
    for groups, every in ((3, 4), (4, 3), (int(rng.integers(3, 6)), 5)):
        yield Case((_training(rng.uniform(0.5, 2, groups * every)), groups * every, every))


def _means_and_reads(means):
    return np.array([looked_at(mean) for mean in means]), len(strict_cupy.host_reads())


add(
    "14.3",
    log_means,
    _log_cases,
    outputs=("means", "host reads"),
    summary=_means_and_reads,
    mistakes={
        "you read the loss of every step: add up on the GPU, and read the sum once in `every` steps": (
            lambda step, steps, every: _log(step, steps, every, read=float)
        ),
        "you returned the loss of every step; add up each group of `every` steps, and return its mean": (
            lambda step, steps, every: [float(step(i)) for i in range(steps)]
        ),
        "those are the losses of all steps, on the GPU still; add up each group of `every`, and read its mean": (
            lambda step, steps, every: [step(i) for i in range(steps)]
        ),
        "that is one mean for the whole run; every group of `every` steps has its own": _one_for_all,
        "the last group is missing: after step i, i + 1 steps are done, so (i + 1) % every == 0": (
            lambda step, steps, every: _log(step, steps, every, first=1, after=1)
        ),
        "step(i) does the step each time it is called: call it once, and keep the loss that it returns": _twice,
        "the means are still on the GPU: float() brings each to the host, once in `every` steps": (
            lambda step, steps, every: _log(step, steps, every, report=lambda total: total)
        ),
        "the sum goes on from group to group: begin again at 0 after each read": (
            lambda step, steps, every: _log(step, steps, every, keep=True)
        ),
        "these are sums; the mean of a group is its sum divided by `every`": (
            lambda step, steps, every: _log(step, steps, every, divide=False)
        ),
        "you read at the very end: a log is for those who watch, so read after each group": _at_the_end,
        "that is the last loss of each group; the mean of the whole group is asked for": _last_only,
        "you read after the first step of a group, not after its last: (i + 1) % every == 0": (
            lambda step, steps, every: _log(step, steps, every, first=1)
        ),
    },
)
