"""Checks a learner calls: `check.layer_norm_forward(layer_norm_forward)`, `check.hint("5.1")`, `check.progress()`.

A check prints what it found and never raises, so that a notebook with unsolved exercises runs to its end. With
TINYVIT_STRICT=1 it raises: that is how the solutions are tested. With TINYVIT_GRADES=FILE it adds what it found to
that file: that is how `tinyvit lessons grade` knows.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from . import exercises  # noqa: F401  enters all exercises
from . import progress as _progress
from .exercise import EXERCISES, Exercise, Function, find_exercise
from .judge import Outcome, judge
from .report import report
from .show import say


def __getattr__(name: str) -> Callable[[Function], None]:
    for exercise in EXERCISES.values():
        if exercise.name == name:
            return _Check(exercise)
    raise AttributeError(f"there is no check called {name!r}: choose from {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return ["hint", "progress", "solution", *(exercise.name for exercise in EXERCISES.values())]


def hint(number: str | float, level: int | None = None) -> None:
    """Print a hint for an exercise: the idea first, the formula when asked again, or the one of this level."""
    exercise = find_exercise(number := str(number))
    hints = texts()["exercises"][number]["hints"]
    asked = _asked.get(number, 0) if level is None else level - 1
    _asked[number] = asked + 1
    if asked in range(len(hints)):
        say(f"Exercise {number}, `{exercise.name}`, hint {asked + 1} of {len(hints)}:\n\n{hints[asked]}")
    else:
        print(f'There is no further hint for {number}. check.solution("{number}") shows how it can be written.')


def solution(number: str | float) -> None:
    """Print one way to write the function of an exercise."""
    find_exercise(number := str(number))
    print(texts()["exercises"][number]["solution"])


def progress() -> None:
    """Print which exercises have been passed, lesson by lesson."""
    done = set(_progress.passed())
    for lesson in sorted({exercise.lesson for exercise in EXERCISES.values()}):
        numbers = [number for number, exercise in EXERCISES.items() if exercise.lesson == lesson]
        marks = "  ".join(f"{number} {'✓' if number in done else '·'}" for number in numbers)
        print(f"lesson {lesson:>2}   {marks}")
    print(f"{len(done & EXERCISES.keys())} of {len(EXERCISES)} exercises passed")


@cache
def texts() -> dict[str, dict[str, Any]]:
    """Texts of the lessons' sources: `lessons` by name with title and minutes, `exercises` by number with lesson, hints
    and solution."""
    return dict(json.loads(resources.files(__package__).joinpath("lessons.json").read_text(encoding="utf-8")))


_asked: dict[str, int] = {}


class _Check:
    """The check of one exercise; to be called with the learner's function."""

    def __init__(self, exercise: Exercise):
        self.exercise = exercise

    def __call__(self, function: Function) -> None:
        verdict = judge(self.exercise, function)
        after = ""
        if grades := os.environ.get("TINYVIT_GRADES"):
            with open(grades, "a", encoding="utf-8") as file:
                file.write(f"{self.exercise.number} {verdict.outcome.value}\n")
        if verdict.outcome is Outcome.PASSED:
            problem = _progress.remember(self.exercise.number)
            after = f"{_next(self.exercise)} {problem}".strip()
        text = report(self.exercise, verdict, after=after)
        if os.environ.get("TINYVIT_STRICT") and verdict.outcome is not Outcome.PASSED:
            raise AssertionError(text)
        print(text)

    def __repr__(self) -> str:
        return f"check.{self.exercise.name}({self.exercise.name}) checks exercise {self.exercise.number}"


def _next(exercise: Exercise) -> str:
    numbers = sorted(EXERCISES, key=_progress.in_order)
    following = numbers[numbers.index(exercise.number) + 1 :]
    if not following:
        return "That was the last one."
    after = EXERCISES[following[0]]
    where = "" if after.lesson == exercise.lesson else f", in lesson {after.lesson}"
    return f"Next: {after.number}, {after.name}{where}."
