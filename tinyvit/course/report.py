"""A verdict in words, with the numbers around the worst place."""

import numpy as np

from .exercise import Exercise
from .verdict import Outcome, Verdict

SHOWN = 8  # numbers of a row
WHERE = "Write it in the cell above in place of the line `raise NotImplementedError`, run that cell, then this one."


def report(exercise: Exercise, verdict: Verdict, *, after: str = "") -> str:
    """Report to the learner; `after` says what comes next when it is right."""
    head = f"Exercise {exercise.number}, {exercise.name}: "
    if verdict.outcome is Outcome.NOT_ATTEMPTED:
        lines = [f"{head}{verdict.sentence}." if verdict.sentence else f"{head}nothing written yet. {WHERE}"]
        return "\n".join([*lines, *([f"  {verdict.again}"] if verdict.again else [])])
    if verdict.outcome is Outcome.PASSED:
        return f"{head}passed. {after}".rstrip()
    lines = [f"{head}not right yet.", f"  {verdict.sentence}"]
    if verdict.outcome is Outcome.WRONG_VALUE and verdict.output:
        lines += _numbers(verdict)
    if verdict.called:
        lines.append(f"  It was called with {verdict.called}.")
    if verdict.guess:
        lines.append(f"  A guess: {verdict.guess}.")
    if verdict.again:
        lines.append(f"  {verdict.again}")
    return "\n".join([*lines, f'  Stuck? check.hint("{exercise.number}")'])


def _numbers(verdict: Verdict) -> list[str]:
    """The row in which the worst number stands, got above wanted, with the digits in which they differ."""
    got, wanted = verdict.got.astype(np.float64), verdict.wanted.astype(np.float64)
    with np.errstate(all="ignore"):
        error = np.abs(got - wanted)
    worst = np.unravel_index(int(np.argmax(np.where(np.isfinite(error), error, np.inf))), error.shape)
    digits = _digits(float(got[worst]), float(wanted[worst]))
    if not worst:
        off = float(got - wanted)
        return [f"  got {float(got):.{digits}g}, wanted {float(wanted):.{digits}g}, a difference of {off:.3g}"]
    row, column = worst[:-1], int(worst[-1])
    width = max(11, digits + 8)
    shown = min(SHOWN, 88 // width)
    start = max(0, min(column - shown // 2, wanted.shape[-1] - shown))
    part = slice(start, start + shown)
    where = ", ".join(map(str, [*map(int, row), f"{start}:{min(start + shown, wanted.shape[-1])}"]))
    marks = ["^" if index == column else "" for index in range(wanted.shape[-1])][part]
    return [
        f"  {verdict.output}[{where}]",
        "    got    " + "".join(f"{float(value):>{width}.{digits}g}" for value in got[row][part]),
        "    wanted " + "".join(f"{float(value):>{width}.{digits}g}" for value in wanted[row][part]),
        "           " + "".join(f"{mark:>{width}}" for mark in marks),
        f"  The largest difference is {float(got[worst] - wanted[worst]):.3g}.",
    ]


def _digits(got: float, wanted: float) -> int:
    """As many as two numbers need to look different, and no fewer than four."""
    return next((digits for digits in range(4, 17) if f"{got:.{digits}g}" != f"{wanted:.{digits}g}"), 17)
