"""A verdict in words, with the numbers around the worst place."""

import numpy as np

from .exercise import Exercise
from .judge import Outcome, Verdict

SHOWN = 8  # numbers of a row


def report(exercise: Exercise, verdict: Verdict, *, after: str = "") -> str:
    """Report to the learner; `after` says what comes next when it is right."""
    head = f"Exercise {exercise.number}, {exercise.name}: "
    if verdict.outcome is Outcome.NOT_ATTEMPTED:
        return (
            f"{head}nothing written yet. Write it in the cell above in place of the line `raise NotImplementedError`, "
            "run that cell, then this one."
        )
    if verdict.outcome is Outcome.PASSED:
        return f"{head}passed. {after}".rstrip()
    lines = [f"{head}not right yet.", f"  {verdict.sentence}"]
    if verdict.outcome is Outcome.WRONG_VALUE and verdict.output:
        lines += _numbers(verdict)
    lines.append(f"  It was called with {verdict.called}.")
    if verdict.guess:
        lines.append(f"  A guess: {verdict.guess}.")
    return "\n".join([*lines, f'  Stuck? check.hint("{exercise.number}")'])


def _numbers(verdict: Verdict) -> list[str]:
    """The row in which the worst number stands, got above wanted."""
    got, wanted = verdict.got, verdict.wanted
    error = np.abs(got.astype(np.float64) - wanted)
    worst = np.unravel_index(int(np.argmax(np.where(np.isnan(error), np.inf, error))), error.shape)
    if not worst:
        return [f"  got {float(got):.6g}, wanted {float(wanted):.6g}"]
    row, column = worst[:-1], int(worst[-1])
    start = max(0, min(column - SHOWN // 2, wanted.shape[-1] - SHOWN))
    shown = slice(start, start + SHOWN)
    where = ", ".join(map(str, [*map(int, row), f"{start}:{min(start + SHOWN, wanted.shape[-1])}"]))
    marks = ["^" if index == column else "" for index in range(wanted.shape[-1])][shown]
    return [
        f"  {verdict.output}[{where}]",
        "    got    " + "".join(f"{float(value):>11.4g}" for value in got[row][shown]),
        "    wanted " + "".join(f"{float(value):>11.4g}" for value in wanted[row][shown]),
        "           " + "".join(f"{mark:>11}" for mark in marks),
    ]
