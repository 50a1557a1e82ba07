"""An exercise: what a learner's function must come to, on which inputs, and what often goes wrong."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import UserError

Function = Callable[..., Any]


class NotAskedFor(Exception):
    """Raised by a `summary`, with a sentence for the learner: what came, and what is wanted."""


class Case(NamedTuple):
    """One call of the learner's function."""

    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = {}
    by_chance: bool = False  # rounding alone decides what a wrong formula gives here, so no guess is held to it


class Exercise(NamedTuple):
    """`solution` and every function in `mistakes` take what the learner's function takes."""

    number: str  # "5.2": the second exercise of lesson 5
    name: str  # of the function to write
    solution: Function
    cases: Callable[[np.random.Generator], Iterable[Case]]  # other shapes and numbers at every check
    outputs: tuple[str, ...]  # what each returned array is called
    mistakes: Mapping[str, Function]  # what to tell a learner whose function does as this one does
    summary: Function  # makes arrays, as many as `outputs`, of what is returned
    not_to_call: tuple[str, ...]  # parts of the paths and names of what tinyvit has for it

    @property
    def lesson(self) -> int:
        return int(self.number.split(".")[0])


EXERCISES: dict[str, Exercise] = {}


def add(
    number: str,
    solution: Function,
    cases: Callable[[np.random.Generator], Iterable[Case]],
    *,
    outputs: tuple[str, ...],
    mistakes: Mapping[str, Function],
    summary: Function = lambda result: result,
    not_to_call: tuple[str, ...] = (),
) -> None:
    """Enter an exercise whose function is called as `solution` is; see `Exercise` for the rest.

    The function's own name, without `_forward` or `_backward`, is never to be called.
    """
    name = solution.__name__
    not_to_call += (name.removesuffix("_forward").removesuffix("_backward"),)
    EXERCISES[number] = Exercise(number, name, solution, cases, outputs, mistakes, summary, not_to_call)


def find_exercise(number: str) -> Exercise:
    """The exercise with this number.

    Raises:
        UserError: there is none.
    """
    if number not in EXERCISES:
        raise UserError(f"there is no exercise {number!r}: choose from {', '.join(EXERCISES)}")
    return EXERCISES[number]
