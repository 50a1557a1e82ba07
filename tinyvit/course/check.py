"""Checks a learner calls: `check.layer_norm_forward(layer_norm_forward)`, `check.hint("5.1")`, `check.progress()`.

A check prints what it found and never raises, so that a notebook with unsolved exercises runs to its end. With
TINYVIT_STRICT=1 it raises, and does not say what comes next: that is how the solutions are tested. With
TINYVIT_GRADES=FILE it adds what it found to that file: that is how `tinyvit lessons grade` knows.
"""

import os
import sys
from collections.abc import Callable

from . import exercises  # noqa: F401  enters all exercises
from . import progress as _progress
from .bug_hunt import suspect as suspect
from .exercise import EXERCISES, Exercise, Function, find_exercise
from .judge import judge
from .report import report
from .show import say, say_verdict
from .source import handed_over, others_like
from .texts import texts as texts
from .verdict import Outcome, Verdict


def __getattr__(name: str) -> Callable[[Function], None]:
    for exercise in EXERCISES.values():
        if exercise.name == name:
            return _Check(exercise)
    raise AttributeError(f"there is no check called {name!r}: choose from {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return ["hint", "progress", "solution", "suspect", *(exercise.name for exercise in EXERCISES.values())]


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


_asked: dict[str, int] = {}  # hints of an exercise
_last: dict[str, Function] = {}  # the function that was checked last, of each exercise that did not pass


class _Check:
    """The check of one exercise; to be called with the learner's function."""

    def __init__(self, exercise: Exercise):
        self.exercise = exercise

    def __call__(self, function: Function | None = None) -> None:
        wrong = handed_over(self.exercise, function)
        verdict = Verdict(Outcome.NOT_ATTEMPTED, wrong) if wrong or function is None else self._judged(function)
        after = ""
        if grades := os.environ.get("TINYVIT_GRADES"):
            with open(grades, "a", encoding="utf-8") as file:
                file.write(f"{self.exercise.number} {verdict.outcome.value}\n")
        if verdict.outcome is Outcome.PASSED:
            problem = _progress.remember(self.exercise.number)
            following = "" if os.environ.get("TINYVIT_STRICT") else _next(self.exercise)
            after = f"{following} {problem}".strip()
        text = report(self.exercise, verdict, after=after)
        if os.environ.get("TINYVIT_STRICT") and verdict.outcome is not Outcome.PASSED:
            raise AssertionError(text)
        say_verdict(text, verdict.outcome)

    def _judged(self, function: Function) -> Verdict:
        """The verdict, with a word about a cell that was changed and not run, or a function of another name."""
        verdict, number = judge(self.exercise, function), self.exercise.number
        if verdict.outcome is Outcome.PASSED:
            return verdict
        again = _last.get(number) is function
        _last[number] = function
        others = list(others_like(function, self.exercise)) if verdict.outcome is Outcome.NOT_ATTEMPTED else []
        if others and not verdict.sentence:
            return verdict._replace(
                sentence=f"`{others[0]}` is there: if that is yours, name it `{self.exercise.name}`"
            )
        if again:
            return verdict._replace(again="It is the function of the last time: if you have changed it, run its cell.")
        return verdict

    def __repr__(self) -> str:
        return f"check.{self.exercise.name}({self.exercise.name}) checks exercise {self.exercise.number}"


def _next(exercise: Exercise) -> str:
    numbers = sorted(EXERCISES, key=_progress.in_order)
    following = numbers[numbers.index(exercise.number) + 1 :]
    if not following:
        return "That was the last one."
    after = EXERCISES[following[0]]
    where = "" if after.lesson == exercise.lesson else f", in lesson {after.lesson}"
    if where and sys.platform != "emscripten":  # a browser has no terminal
        where += f": tinyvit lessons open {after.lesson}"
    return f"Next: {after.number}, {after.name}{where}."
