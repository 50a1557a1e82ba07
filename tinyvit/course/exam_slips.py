"""Slips of the pen: a solution with one line edited as a tired author would, for exams to ask which line it is."""

import contextlib
import io
import warnings
from functools import cache

import numpy as np

from .bug_hunt import broken_function, right_lines
from .exercise import EXERCISES
from .hunts import Hunt
from .judge import judge
from .verdict import Outcome

SLIPS = (
    ("keepdims=True", "keepdims=False"),
    ("axis=-1", "axis=0"),
    ("axis=1", "axis=0"),
    ("axis=0", "axis=1"),
    ("(-1, ", "(0, "),
    (".mean(", ".sum("),
    (".sum(", ".mean("),
    (".max(", ".min("),
    (".T", ""),
    (" - ", " + "),
    (" + ", " - "),
    ("1 - ", ""),
    ("np.sqrt(", "("),
    (" / 2)", ")"),
)


@cache
def slips_of(number: str) -> list[Hunt]:
    """The solutions of an exercise with a slip in one line, the head excepted, that its check refuses."""
    found = []
    for line, text in enumerate(right_lines(number), start=1):
        edited = {text.replace(right, wrong, 1).strip() for right, wrong in SLIPS if right in text}
        found += [Hunt(number, line, wrong, "", "") for wrong in sorted(edited) if line > 1]
    return [hunt for hunt in found if _refused(hunt)]


def _refused(hunt: Hunt) -> bool:
    quiet = contextlib.redirect_stdout(io.StringIO())
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"), quiet:
        verdict = judge(EXERCISES[hunt.number], broken_function(hunt), seed=0)
    return verdict.outcome in (Outcome.WRONG_SHAPE, Outcome.WRONG_VALUE)
