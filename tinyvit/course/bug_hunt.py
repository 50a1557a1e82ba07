"""Bug hunts: one wrong version of a lesson's function, whose wrong line is found by what the function does."""

import ast
import json
import math
import os
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..backend import array_module
from ..errors import UserError
from ..optim import AdamW
from .compare import arranged, leaves, same
from .exercise import EXERCISES, Case, Exercise, Function
from .hunts import HUNTS, Hunt
from .show import say_verdict
from .texts import texts
from .verdict import Outcome
from .watch import copy_of

NAMES = {"np": np, "math": math, "json": json, "ops": ops, "AdamW": AdamW, "array_module": array_module}
SEED = 0  # of the cases that say which outputs come out wrong


class Lead(NamedTuple):
    """The outputs of a broken function that come out wrong, and those that come out right, by their names."""

    wrong: tuple[str, ...]
    right: tuple[str, ...]


def bug_hunt(lesson: int) -> Function:
    """Print the lesson's function with its lines numbered; returns it with one of these lines wrong."""
    hunt = find_hunt(lesson)
    print("\n".join(f"{number:>2}  {line}" for number, line in enumerate(right_lines(hunt.number), start=1)))
    return broken_function(hunt)


def suspect(lesson: int, line: object) -> None:
    """Say whether this is the wrong line of the lesson's bug hunt, and why; with TINYVIT_STRICT=1, raise if not."""
    hunt = find_hunt(lesson)
    outcome, sentence = _judged(hunt, line)
    text = f"Bug hunt {lesson}, {EXERCISES[hunt.number].name}: {sentence}"
    if os.environ.get("TINYVIT_STRICT") and outcome is not Outcome.PASSED:
        raise AssertionError(text)
    say_verdict(text, outcome)


def find_hunt(lesson: int) -> Hunt:
    """The bug hunt of a lesson.

    Raises:
        UserError: it has none.
    """
    if lesson not in HUNTS:
        raise UserError(f"there is no bug hunt in lesson {lesson!r}: choose from {', '.join(map(str, HUNTS))}")
    return HUNTS[lesson]


def right_lines(number: str) -> list[str]:
    """The solution of an exercise without docstring and comments, line by line."""
    tree = ast.parse(texts()["exercises"][number]["solution"])
    function: Any = tree.body[0]
    if isinstance(function.body[0], ast.Expr):  # a docstring
        function.body = function.body[1:]
    return ast.unparse(tree).splitlines()


def broken_source(hunt: Hunt) -> str:
    """The same with one line in the place of another, which keeps its indent; or with none in its place."""
    lines = right_lines(hunt.number)
    kept = lines[hunt.line - 1]
    lines[hunt.line - 1] = kept[: len(kept) - len(kept.lstrip())] + hunt.broken if hunt.broken else ""
    return "\n".join(lines)


def broken_function(hunt: Hunt) -> Function:
    """The function of `broken_source`, which does not show its code."""
    names: dict[str, Any] = dict(NAMES)
    exec(compile(broken_source(hunt), "<broken>", "exec"), names)
    return names[EXERCISES[hunt.number].name]


@cache
def lead(hunt: Hunt) -> Lead:
    """The outputs of the broken function that are wrong in any case of its exercise, and those that never are."""
    exercise, broken = EXERCISES[hunt.number], broken_function(hunt)
    wrong: set[str] = set()
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        for case in exercise.cases(np.random.default_rng(SEED)):
            wrong |= set(_wrong_in(exercise, broken, case))
    names = dict.fromkeys(exercise.outputs)
    return Lead(tuple(n for n in names if n in wrong), tuple(n for n in names if n not in wrong))


def _wrong_in(exercise: Exercise, broken: Function, case: Case) -> Iterator[str]:
    def result(function: Function) -> Any:
        given = copy_of(case)
        return exercise.summary(function(*given.arguments, **given.options))

    answer = result(exercise.solution)
    try:
        found = leaves(arranged(result(broken), answer))
    except Exception:  # whatever a broken function stops with: nothing comes out
        found = ()
    wanted = leaves(answer)
    if len(found) != len(wanted):
        yield from exercise.outputs
    else:
        pairs = zip(exercise.outputs, found, wanted, strict=True)
        yield from (name for name, one, other in pairs if not same(one, other))


def _judged(hunt: Hunt, line: object) -> tuple[Outcome, str]:
    lines = right_lines(hunt.number)
    if line is None:
        sentence = "no suspect yet. Call the broken function, gather evidence, and write the number of a line for None."
        return Outcome.NOT_ATTEMPTED, sentence
    if isinstance(line, bool) or not isinstance(line, int | np.integer) or not 1 < line <= len(lines):
        return Outcome.WRONG_VALUE, f"a suspect is the number of a line, from 2 to {len(lines)}, and not {line!r}."
    if line == hunt.line:
        there = f"in its place stands `{hunt.broken}`" if hunt.broken else "it is missing"
        return Outcome.PASSED, f"found. Line {line} it is; {there}: {hunt.cause}."
    wrong, right = lead(hunt)
    told = f"What comes out wrong: {', '.join(wrong)}."
    told += f" What comes out right: {', '.join(right)}." if right else ""
    hint = f"line {line} is innocent, it stands in the broken function as it does here.\n  {told}\n  {hunt.clue}"
    return Outcome.WRONG_VALUE, hint
