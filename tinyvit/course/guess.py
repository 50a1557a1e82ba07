"""Guesses at why a function is wrong. Each is spoken only if it fits what the function did on every case."""

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .compare import arranged, leaves, same
from .exercise import Case, Exercise, Function
from .relations import relation
from .shapes import about_shapes, lost_an_axis
from .watch import copy_of, words_of

# What Python and NumPy say, and what it often means.
USUAL_ERRORS = {
    r"RecursionError": "the function calls itself, over and over: is there another one of the same name?",
    r"matmul: .*mismatch": "a @ b needs a last axis of a as long as b's last but one; `.T` turns round all axes",
    r"'float' object cannot be|single integer, got '\d|slice indices must|must be integers or slices, not .*float": (
        "`/` gives a float; `//` gives a whole number"
    ),
    r"'tuple'": "a tuple is several things, like the two things `y, saved` of a forward or the lengths of a shape: "
    "take out the one that is meant",
    r"inhomogeneous": "no array holds parts of different shapes, like the two things `y, saved` of a forward",
    r"only integer scalar arrays": "a tuple or a list is indexed with an array: take out the one thing that is meant",
    r"output has more dimensions than subscripts": "np.einsum cannot add up over `...`: name those axes, or make rows "
    "of them with reshape first",
    r"'numpy\.\w+' object does not support item assignment": "arithmetic with an array without axes gives a plain "
    "number, which has no places; x.copy() and x.astype(...) stay arrays",
    r"zero-size array": "the largest or smallest of nothing was asked for: an array is empty here",
    r"truth value of an array": "Python's max, min, if, and, or want one number; "
    "np.maximum goes number by number, and so do & and |",
    r"input array from shape \((?:\d+,)*0[,)]": "a slice is empty: it begins behind its end, or outside of the array",
    r"invalid literal for int": "int() was given a text that is no number: not all names have one there",
    r"must have same number of dimensions": "np.concatenate wants arrays with as many axes, as long along all but one",
    r"not supported between instances of 'NoneType'|'NoneType' object": "something is None here: a function that "
    "returns nothing gives None",
    r"UnboundLocalError": "the name gets its value further down, or in a branch or loop that was not run: give it one "
    "before it is used",
}


class Ran(NamedTuple):
    """Outcome of calling a function on a case: what it returned as `arranged` arrays, or where it stopped."""

    result: Any = None
    error: Exception | None = None


def run(function: Function, exercise: Exercise, case: Case, answer: Any) -> Ran:
    """Call a planted mistake as the learner's function is called."""
    arguments, options, _ = copy_of(case)
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):  # its overflow is not the learner's
            result = function(*arguments, **options)
        return Ran(None if result is None else arranged(exercise.summary(result), answer))
    except Exception as error:  # a wrong formula may fit one case's shapes and not another's
        return Ran(error=error)


def alike(one: Ran, other: Ran) -> bool:
    if one.error is None or other.error is None:
        return one.error is other.error and same(one.result, other.result)
    return type(one.error) is type(other.error) and words_of(one.error) == words_of(other.error)


class Judged(NamedTuple):
    """Behaviour of the learner's function on one case, beside the right answer."""

    ran: Ran
    answer: Any
    right: bool


def planted(exercise: Exercise, cases: Iterable[Case], judged: Sequence[Judged]) -> str:
    """The known mistake that does on every case what the learner's function does; "" if there is none."""
    left = dict(exercise.mistakes)
    for case, (ran, answer, right) in zip(cases, judged, strict=True):
        for sentence, mistake in list(left.items()):
            its = run(mistake, exercise, case, answer)
            fits = same(its.result, answer) == right if case.by_chance else alike(its, ran)
            if not fits or (not right and same(its.result, answer)):
                del left[sentence]
        if not left:
            break
    return next(iter(left), "")


def from_errors(runs: Sequence[Ran]) -> str:
    """Usual meaning of the error's words, if all calls that stopped stopped with one of the kind."""
    meanings = {_meaning(ran.error) for ran in runs if ran.error is not None}
    return meanings.pop() if len(meanings) == 1 and runs[0].error is not None else ""


def _meaning(error: Exception) -> str:
    words = f"{type(error).__name__}: {words_of(error)}"
    if shapes := re.search(r"could not be broadcast together with shapes \(([\d,]*)\) \(([\d,]*)\)", words):
        return "keepdims=True keeps the axis of a sum or mean" if lost_an_axis(*shapes.groups()) else ""
    return next((meaning for said, meaning in USUAL_ERRORS.items() if re.search(said, words)), "")


def from_numbers(exercise: Exercise, cases: Iterable[Case], judged: Sequence[Judged]) -> str:
    """Relation that meets the eye in the results of all calls that were wrong: an order, a factor, a lost axis."""
    sentences = []
    for case, (ran, answer, right) in zip(cases, judged, strict=True):
        if right or case.by_chance:
            continue
        if ran.error is not None or ran.result is None:
            return ""
        got, wanted = leaves(ran.result), leaves(answer)
        if len(got) == len(wanted) and same(got, wanted):  # only a container is wrong, or a dtype: that says nothing
            continue
        sentences.append([*relation(exercise, case, got, wanted), about_shapes(got, wanted)])
    if not sentences:
        return ""
    first, *others = [[sentence for sentence in some if sentence] for some in sentences]
    return next((sentence for sentence in first if all(sentence in other for other in others)), "")
