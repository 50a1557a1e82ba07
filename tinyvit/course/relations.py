"""Relations between what came and what is wanted that meet the eye: another order, a factor, a turned axis."""

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations
from typing import Any

import numpy as np

from .compare import as_array, close, same
from .exercise import Case, Exercise
from .watch import inputs

SINGLE = 1e-5  # relative: more than float32 and less than any slip of the pen is off


def relation(exercise: Exercise, case: Case, got: tuple[Any, ...], wanted: tuple[Any, ...]) -> list[str]:
    """All that can be said of one call; what holds in every call is worth saying."""
    if 1 < len(got) == len(wanted) <= 4 and any(same(order, wanted) for order in permutations(got)):
        return [f"the results are right, their order is not; wanted: {', '.join(exercise.outputs)}"]
    for name, one, other in zip(exercise.outputs, got, wanted, strict=False):
        if isinstance(other, list):
            return _of_lists(name, one, other)
        if isinstance(other, Mapping):
            return _of_dicts(name, one, other)
        a, b = as_array(one), np.asarray(other)
        if a is None or a.dtype.kind not in "iuf" or same(a, b):
            continue
        a, b = a.astype(np.float64), b.astype(np.float64)
        if a.shape == b.shape:
            return [*_of_numbers(name, a, b), *_of_inputs(exercise, case, name, a, b, wanted)]
        return [*_of_axes(name, a, b)]
    return []


def _of_numbers(name: str, a: np.ndarray, b: np.ndarray) -> Iterator[str]:
    telling = b.size > 1
    if np.isnan(a).any() and not np.isnan(b).any():
        yield f"{name}: nan is what 0 / 0, 0 times infinity, or the logarithm of less than 0 gives"
    if close(a, -b):
        yield f"{name} is -1 times what it should be"
    if b.ndim > 1 or b.size > 2:
        for axis in range(b.ndim):
            if b.shape[axis] > 1 and close(a, np.flip(b, axis)):
                yield f"{name} stands the other way round: its first is your last"
    for one, other in combinations(range(b.ndim), 2):
        if b.shape[one] == b.shape[other] and close(a, b.swapaxes(one, other)):
            yield f"{name}: rows and columns are swapped"
    if close(np.abs(a), np.abs(b)) and telling:
        yield f"{name}: only signs are wrong"
    factor = float((a * b).sum() / max(float((b * b).sum()), 1e-300))
    if (
        (telling or any(np.isclose(factor, usual, rtol=1e-9) for usual in (0.5, 2, 100)))
        and 1e-9 < abs(factor) < np.inf
        and close(a, factor * b)
    ):
        for words, value in _factors(b):
            if np.isclose(factor, value, rtol=1e-9):
                yield f"{name} is {words} times what it should be"
        if f"{factor:.4g}" != "1":  # a small eps: that is said below
            yield f"{name} is {factor:.4g} times what it should be"
    if telling and np.isfinite(a).all() and np.ptp(a - b) < 1e-9 * np.abs(b).max() and not close(a, b):
        yield f"{name}: every number is off by the same {(a - b).flat[0]:.4g}"
    if close(a, b, SINGLE) or (not b.any() and np.abs(a).max(initial=0.0) < SINGLE):
        yield "right to about 7 digits: is there a float32, or a small number that is not the one given (eps)?"
    if telling and not a.any():
        yield f"{name} is 0 everywhere"
    if b.ndim and len(b) > 2:
        for rest, where in ((slice(-1), "last"), (slice(1, None), "first")):
            if close(a[rest], b[rest]):
                loop = ": look at where your loop or slice begins and ends" if len(b) > 3 else ""  # 3 may be 3 things
                yield f"{name}: only the {where} one is wrong{loop}"
    if b.size > 2 and not close(a, b) and close(np.sort(a, None), np.sort(b, None)):
        yield f"{name}: all the right numbers are there, but in other places"
    firsts = [(a, b), (a.ravel(), b.ravel())] if b.ndim else []  # of the first axis, and of all numbers
    if any(len(two) > 1 and close(one[:1], two[:1]) and not one[1:].any() for one, two in firsts):
        yield f"{name}: only the first one is there: does the return stand inside the loop?"


def _factors(wanted: np.ndarray) -> Iterator[tuple[str, float]]:
    for axis, n in enumerate(wanted.shape):
        place = "the last axis" if axis == wanted.ndim - 1 else f"axis {axis}"
        yield f"the length of {place}", n
        yield f"1 / the length of {place}", 1 / n
        yield f"the root of the length of {place}", n**0.5
        yield f"1 / the root of the length of {place}", n**-0.5
    rows = wanted.size // wanted.shape[-1] if wanted.size and wanted.ndim else 1
    yield "the number of rows", rows
    yield "1 / the number of rows", 1 / rows


def _of_inputs(
    exercise: Exercise, case: Case, name: str, a: np.ndarray, b: np.ndarray, wanted: tuple[Any, ...]
) -> Iterator[str]:
    if np.all(a == 1) and a.size > 1:
        upstream = any(argument == "dy" for argument, _ in inputs(exercise, case))
        yield f"{name} is all ones{': dy was not used' if upstream else ''}"
    for argument, arrays in inputs(exercise, case):
        if any(close(a, array) for array in arrays):
            yield f"{name} is your input `{argument}`, passed back unchanged"
    for other, value in zip(exercise.outputs, wanted, strict=False):
        if other != name and not isinstance(value, list | Mapping) and close(a, np.asarray(value)) and a.size > 1:
            yield f"{name} is what belongs into {other}"


def _of_axes(name: str, a: np.ndarray, b: np.ndarray) -> Iterator[str]:
    """Right numbers in a wrong shape, or right ones before a sum too many or too few."""
    if a.size == b.size and close(a.ravel(), b.ravel()):
        yield f"{name}: the numbers are right, only the shape is not"
    if sorted(a.shape) == sorted(b.shape) and a.ndim <= 5:
        for order in permutations(range(b.ndim)):
            if close(a, b.transpose(order)):
                yield f"{name}: the numbers are right, its axes stand in another order"
    if a.ndim == b.ndim > 0 and a.shape[0] == 1 < b.shape[0] and close(a, b[:1]):
        yield f"{name}: only the first along axis 0 is there: what about the others?"
    if a.ndim > b.ndim:
        for count in range(1, a.ndim + 1):
            for axes in combinations(range(a.ndim), count):
                for what, keep in (("sum", False), ("sum", True), ("mean", False), ("mean", True)):
                    total = getattr(a, what)(axes, keepdims=keep)
                    if close(total, b):
                        over = ", ".join(map(str, axes))
                        yield f"{name}: a {what} over axis {over} is missing"
                        if axes == tuple(range(count)):
                            yield f"{name}: a {what} over all leading axes is missing"


def _of_dicts(name: str, got: Any, wanted: Mapping[Any, Any]) -> list[str]:
    """Relations that hold for all parts that are wrong."""
    if not isinstance(got, Mapping) or not all(key in wanted for key in got):
        return []
    wrong = [key for key, part in got.items() if not same(part, wanted[key])]
    if not wrong:
        alone = len(got) == 1 < len(wanted)
        return [f"{name}: the first one alone is there: does the return stand inside the loop?"] * alone
    first, *others = [_of_a_part(name, got[key], np.asarray(wanted[key])) for key in wrong]
    return [sentence for sentence in first if all(sentence in other for other in others)]


def _of_a_part(name: str, one: Any, b: np.ndarray) -> list[str]:
    a = as_array(one)
    if a is None or a.dtype.kind not in "iuf" or a.shape != b.shape:
        return []
    return list(_of_numbers(name, a.astype(np.float64), b))


def _of_lists(name: str, got: Any, wanted: list[Any]) -> list[str]:
    if not isinstance(got, list | tuple):
        return []
    said = []
    if len(got) == len(wanted) and same(list(got)[::-1], wanted):
        said.append(f"{name} are right, their order is turned round")
    if got and len(got) < len(wanted):
        if same(list(got), wanted[: len(got)]):
            what = "does the return stand inside the loop?" if len(got) == 1 else "look at where your loop ends"
            said.append(f"{name} are right as far as they go, the rest is missing: {what}")
        elif same(list(got), wanted[-len(got) :]):
            said.append(f"the first of the {name} are missing: look at where your loop begins")
    if len(got) > len(wanted) and same(list(got)[: len(wanted)], wanted):
        said.append(f"{name} are right, but too many: look at where your loop ends")
    return said
