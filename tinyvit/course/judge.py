"""Judgement of a learner's function: call it on random inputs, watch what it does, compare what it returns."""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from .exercise import Case, Exercise, Function, NotAskedFor
from .shapes import about_shapes, as_array, lost_an_axis
from .watch import CallsTinyvit, called_with, changed_input, copy_of, inputs, noticing_tinyvit, where_it_stopped

RELATIVE_ERROR = 1e-6  # of the largest number wanted; inputs are float64


class Outcome(Enum):
    NOT_ATTEMPTED = "nothing written yet"
    WRONG_SHAPE = "wrong shape"
    WRONG_VALUE = "wrong value"
    PASSED = "passed"


class Verdict(NamedTuple):
    outcome: Outcome
    sentence: str = ""  # what is wrong
    guess: str = ""  # what may be the reason
    output: str = ""  # which output is wrong, if one is
    got: Any = None
    wanted: Any = None
    called: str = ""  # with which arguments


# What NumPy says, and what it often means.
USUAL_ERRORS = {
    r"matmul: .*mismatch": "a @ b needs a last axis of a as long as b's last but one; `.T` turns round all axes",
    r"'float' object cannot be|single integer, got": "`/` gives a float; `//` gives a whole number",
    r"'tuple'|inhomogeneous": "a forward returns two things, `y, saved`",
    r"truth value of an array": "Python's max, min and if want one number; np.maximum goes number by number",
}


def judge(exercise: Exercise, function: Function, *, seed: int | None = None) -> Verdict:
    """Call `function` on all cases of `exercise`; the first thing that is wrong is the verdict."""
    rng = np.random.default_rng(seed)
    for case in exercise.cases(rng):
        verdict = _judge_case(exercise, function, case)
        if verdict.outcome is not Outcome.PASSED:
            return verdict._replace(called=called_with(exercise, case))
    return Verdict(Outcome.PASSED)


def _judge_case(exercise: Exercise, function: Function, case: Case) -> Verdict:
    wanted = exercise.summary(_call(exercise.solution, case))
    given = copy_of(case)
    try:
        with noticing_tinyvit(exercise.not_to_call):
            result = function(*given.arguments, **given.options)
    except NotImplementedError:
        return Verdict(Outcome.NOT_ATTEMPTED)
    except CallsTinyvit as error:
        return Verdict(Outcome.WRONG_VALUE, f"it calls {error}: the point is to write that yourself")
    except Exception as error:
        return Verdict(Outcome.WRONG_VALUE, where_it_stopped(error), _guess_from_error(exercise, case, error))
    try:
        result = None if result is None else exercise.summary(result)
    except Exception as error:
        sentence = f"it returned {type(result).__name__}, which is not what is asked for"
        sentence = str(error) if isinstance(error, NotAskedFor) else sentence
        return Verdict(Outcome.WRONG_SHAPE, sentence, _guess_from_error(exercise, case, error))
    verdict, changed = _compare(exercise, result, wanted), changed_input(exercise, given, case)
    if verdict.outcome is Outcome.PASSED:
        return Verdict(Outcome.WRONG_VALUE, changed) if changed else verdict
    guess = "" if result is None else _guess(exercise, case, _as_tuple(result), _as_tuple(wanted))
    return verdict._replace(guess=guess or changed)


def _compare(exercise: Exercise, result: Any, answer: Any) -> Verdict:
    if result is None:
        return Verdict(Outcome.WRONG_SHAPE, "it returned None: is the return missing?")
    got, wanted = _as_tuple(result), _as_tuple(answer)
    layout = _layout(answer, iter(exercise.outputs))
    if len(got) != len(wanted):
        things = "1 thing" if len(got) == 1 else f"{len(got)} things"
        lists = " (a list is one thing: write round brackets)" if any(isinstance(part, list) for part in got) else ""
        return Verdict(Outcome.WRONG_SHAPE, f"it returned {things}, wanted {len(wanted)}: {layout}{lists}")
    if _layout(result, iter(exercise.outputs)) != layout:
        return Verdict(Outcome.WRONG_SHAPE, f"what it returned is bracketed otherwise; wanted: {layout}")
    for name, one, other in zip(exercise.outputs, got, wanted, strict=True):
        one, other = as_array(one), np.asarray(other)
        about: dict[str, Any] = {"output": name, "got": one, "wanted": other}
        if one is None:
            return Verdict(Outcome.WRONG_SHAPE, f"{name}: its parts do not all have the same shape", **about)
        if one.dtype.kind not in "biufc":
            return Verdict(Outcome.WRONG_SHAPE, f"{name} is not an array of numbers", **about)
        if one.shape != other.shape:
            return Verdict(Outcome.WRONG_SHAPE, f"{name}: got shape {one.shape}, wanted {other.shape}", **about)
        if one.dtype.kind != other.dtype.kind:
            whole = ": `//` gives whole ones" if (one.dtype.kind, other.dtype.kind) == ("f", "i") else ""
            right = f" (the numbers are right{whole})" if _close(one, other) else ""
            sentence = f"{name}: got dtype {one.dtype}, wanted {other.dtype}{right}"
            return Verdict(Outcome.WRONG_SHAPE, sentence, **about)
        if not _close(one, other):
            wrong = int((~np.isclose(one, other, rtol=RELATIVE_ERROR, atol=_tolerance(other))).sum())
            return Verdict(Outcome.WRONG_VALUE, f"{name}: {wrong} of {other.size} numbers are off", **about)
    return Verdict(Outcome.PASSED)


def _guess(exercise: Exercise, case: Case, got: tuple[Any, ...], wanted: tuple[Any, ...]) -> str:
    """The known mistake that comes to the same result, or else a relation that meets the eye."""
    for sentence, mistake in exercise.mistakes.items():
        try:
            result = _as_tuple(exercise.summary(_call(mistake, case)))
        except Exception:  # a wrong formula may fit one case's shapes and not another's
            continue
        if _same(result, got) and not _same(result, wanted):
            return sentence
    if _same(got, wanted):  # only brackets or a dtype are wrong, and that is said already
        return ""
    if len(got) == len(wanted) <= 4 and any(_same(order, wanted) for order in permutations(got)):
        return f"the results are right, their order is not; wanted: {', '.join(exercise.outputs)}"
    for name, one, other in zip(exercise.outputs, got, wanted, strict=False):
        one, other = as_array(one), np.asarray(other)
        if one is None or one.shape != other.shape or one.dtype.kind not in "iuf" or _close(one, other):
            continue
        one, other = one.astype(np.float64), other.astype(np.float64)
        factor = float((one * other).sum() / max(float((other * other).sum()), 1e-300))
        telling = other.size > 1 or factor in (-1, 0.5, 2)  # one wrong number is always some multiple of another
        if telling and 1e-9 < abs(factor) < np.inf and _close(one, factor * other):
            return f"{name} is {factor:.4g} times what it should be"
        if np.all(one == 1):
            upstream = any(argument == "dy" for argument, _ in inputs(exercise, case))
            return f"{name} is all ones{': dy was not used' if upstream else ''}"
        for argument, arrays in inputs(exercise, case):
            if any(_close(one, array) for array in arrays):
                return f"{name} is your input `{argument}`, passed back unchanged"
        break
    return about_shapes(got, wanted)


def _guess_from_error(exercise: Exercise, case: Case, error: Exception) -> str:
    """The known mistake that stops with the same words, or else what those words often mean."""
    for sentence, mistake in exercise.mistakes.items():
        try:
            result = _call(mistake, case)
            exercise.summary(result)
        except Exception as other:
            if type(other) is type(error) and str(other) == str(error):
                return sentence
    if shapes := re.search(r"could not be broadcast together with shapes \(([\d,]*)\) \(([\d,]*)\)", str(error)):
        return "keepdims=True keeps the axis of a sum or mean" if lost_an_axis(*shapes.groups()) else ""
    return next((meaning for words, meaning in USUAL_ERRORS.items() if re.search(words, str(error))), "")


def _call(function: Function, case: Case) -> Any:
    arguments, options = copy_of(case)
    with np.errstate(all="ignore"):  # a planted mistake may overflow; that is not the learner's
        return function(*arguments, **options)


def _layout(result: Any, names: Iterator[str]) -> str:
    """The names of the outputs, bracketed as in `result`: "y, (x_hat, rstd)"."""
    parts = result if isinstance(result, tuple) else (result,)
    texts = [f"({_layout(p, names)}{',' * (len(p) == 1)})" if isinstance(p, tuple) else next(names, "?") for p in parts]
    return ", ".join(texts)


def _as_tuple(result: Any) -> tuple[Any, ...]:
    """All that was returned, side by side: `y, (x_hat, rstd)` is three things."""
    return tuple(part for value in result for part in _as_tuple(value)) if isinstance(result, tuple) else (result,)


def _tolerance(wanted: np.ndarray) -> float:
    return RELATIVE_ERROR * float(np.abs(wanted).max(initial=0.0)) if wanted.dtype.kind != "b" else 0.0


def _close(got: np.ndarray, wanted: np.ndarray) -> bool:
    return got.shape == wanted.shape and np.allclose(got, wanted, rtol=RELATIVE_ERROR, atol=_tolerance(wanted))


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    if len(one) != len(other):
        return False
    pairs = [(as_array(a), as_array(b)) for a, b in zip(one, other, strict=True)]
    return all(
        a is not None and b is not None and a.dtype.kind in "biufc" and b.dtype.kind in "biufc" and _alike(a, b)
        for a, b in pairs
    )


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Close, and NaN and inf in the same places: a forward that overflows is known by them."""
    finite = np.isfinite(one)
    if one.shape != other.shape or not np.array_equal(finite, np.isfinite(other)):
        return False
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return False
    return _close(np.where(finite, one, 0), np.where(finite, other, 0))
