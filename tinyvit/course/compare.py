"""Comparison of what a learner's function returned with what is wanted.

One rule for containers: several results may come in anything that `a, b = ...` takes apart, a tuple, a list or an
array; an array must be an array; a list of things may come in a tuple, too. A dict must be a dict, in any order.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .verdict import Outcome, Verdict

RELATIVE_ERROR = 1e-10  # of the largest number wanted; inputs are float64, and float32 is right to 1e-7 only
TINY = 1e-13  # what another order of a sum may leave where 0 is wanted
SEQUENCES = (tuple, list)
DEEPEST = 32  # axes of an array


def as_array(value: Any) -> np.ndarray | None:
    if nested_too_deep(value):  # NumPy would fill the memory with it
        return None
    try:
        return np.asarray(value)
    except ValueError:  # lists of different lengths
        return None


def nested_too_deep(value: Any, around: tuple[int, ...] = ()) -> bool:
    """Tell whether lists in lists go on and on, as after `backwards.append(backwards)`, or further than any array."""
    if not isinstance(value, SEQUENCES):
        return False
    if id(value) in around or len(around) > DEEPEST:
        return True
    return any(nested_too_deep(part, (*around, id(value))) for part in value)


def arranged(result: Any, answer: Any) -> Any:
    """`result` with a tuple wherever `answer` has one: a list is as good, and so is an array of as many like parts.

    And with a list wherever `answer` has one: a tuple is as good, unless a comma at the end made a tuple of a list.
    """
    if isinstance(answer, list) and isinstance(result, tuple):
        comma = len(result) == 1 and isinstance(result[0], SEQUENCES)
        return result if comma else list(result)
    if not isinstance(answer, tuple):
        return result
    if isinstance(result, np.ndarray) and result.ndim and len(result) == len(answer) > 1:
        plain = not any(isinstance(part, SEQUENCES) for part in answer)
        result = tuple(result) if plain and len(set(map(np.shape, answer))) == 1 else result
    if not isinstance(result, SEQUENCES):
        return result
    result = tuple(result)
    return tuple(map(arranged, result, answer)) if len(result) == len(answer) else result


def leaves(result: Any) -> tuple[Any, ...]:
    """All that was returned, side by side: `y, (x_hat, rstd)` is three things."""
    return tuple(part for value in result for part in leaves(value)) if isinstance(result, tuple) else (result,)


def compare(result: Any, answer: Any, outputs: tuple[str, ...]) -> Verdict:
    """The first thing that is wrong with `result`, which is `arranged` as `answer` is."""
    if result is None:
        return Verdict(Outcome.WRONG_SHAPE, "it returned None: is the return missing?")
    got, wanted = leaves(result), leaves(answer)
    layout = _layout(answer, iter(outputs))
    if _layout(result, iter(outputs)) != layout:
        if len(got) == len(wanted):
            comma = " (a comma at the end makes a tuple)" if isinstance(result, tuple) and len(result) == 1 else ""
            return Verdict(Outcome.WRONG_SHAPE, f"what it returned is bracketed otherwise; wanted: {layout}{comma}")
        things = "1 thing" if len(got) == 1 else f"{len(got)} things"
        return Verdict(Outcome.WRONG_SHAPE, f"it returned {things}, wanted {len(wanted)}: {layout}")
    for name, one, other in zip(outputs, got, wanted, strict=True):
        if wrong := _any(name, one, other):
            return wrong
    return Verdict(Outcome.PASSED)


def _any(name: str, got: Any, wanted: Any) -> Verdict | None:
    if isinstance(wanted, Mapping):
        return _by_name(name, got, wanted)
    if isinstance(wanted, tuple):  # in a dict
        return _side_by_side(name, got, wanted)
    return _many(name, got, wanted) if isinstance(wanted, list) else _one(name, got, wanted)


def _by_name(name: str, got: Any, wanted: Mapping[Any, Any]) -> Verdict | None:
    """The parts of a dict."""
    if not isinstance(got, Mapping):
        sentence = f"{name}: got {kind_of(got)}, wanted a dict"
        return Verdict(Outcome.WRONG_SHAPE, sentence, output=name)
    odd = [f"{key!r} is not asked for" for key in got if key not in wanted]
    lacking = [f"{key!r} is missing" for key in wanted if key not in got]
    if odd or lacking:
        return Verdict(Outcome.WRONG_SHAPE, f"{name}: {', and '.join([*odd[:1], *lacking[:1]])}", output=name)
    return next((wrong for key, part in wanted.items() if (wrong := _any(f"{name}[{key!r}]", got[key], part))), None)


def _side_by_side(name: str, got: Any, wanted: tuple[Any, ...]) -> Verdict | None:
    got = arranged(got, wanted)
    if not isinstance(got, tuple) or len(got) != len(wanted):
        sentence = f"{name}: got {kind_of(got)}, wanted a tuple of {len(wanted)}"
        return Verdict(Outcome.WRONG_SHAPE, sentence, output=name)
    pairs = enumerate(zip(got, wanted, strict=True))
    return next((wrong for i, pair in pairs if (wrong := _any(f"{name}[{i}]", *pair))), None)


def _many(name: str, got: Any, wanted: list[Any]) -> Verdict | None:
    """A list's parts, one after another; plain numbers all at once."""
    if not isinstance(got, SEQUENCES) and not (isinstance(got, np.ndarray) and got.ndim):
        return Verdict(Outcome.WRONG_SHAPE, f"{name}: got {kind_of(got)}, wanted a list of {len(wanted)}", output=name)
    if len(got) != len(wanted):
        empty = "; the last one is empty" if len(got) > len(wanted) and np.size(got[-1]) == 0 else ""
        sentence = f"{name}: got {len(got)} of them, wanted {len(wanted)}{empty}"
        return Verdict(Outcome.WRONG_SHAPE, sentence, output=name)
    if not any(isinstance(part, np.ndarray) for part in wanted):
        odd = next((i for i, part in enumerate(got) if np.ndim(part) or part is None), None)
        if odd is not None:
            return Verdict(Outcome.WRONG_SHAPE, f"{name}[{odd}] is {kind_of(got[odd])}, wanted a number", output=name)
        return _one(name, np.asarray(got), np.asarray(wanted))
    pairs = zip(got, wanted, strict=True)
    return next((wrong for i, pair in enumerate(pairs) if (wrong := _one(f"{name}[{i}]", *pair))), None)


def _one(name: str, got: Any, wanted: Any) -> Verdict | None:
    """An array or a number."""
    one, other = as_array(got), np.asarray(wanted)
    if type(got) is int and other.dtype.kind == "f":  # a plain 0 is as good as 0.0
        one = np.asarray(float(got))
    about: dict[str, Any] = {"output": name, "got": one, "wanted": other}
    if one is None or one.dtype.kind not in "biufc":
        sentence = f"{name} is {kind_of(got)}, wanted {kind_of(wanted)}"
        return Verdict(Outcome.WRONG_SHAPE, sentence, **about)
    if one.shape != other.shape:
        sentence = f"{name}: got shape {one.shape}, wanted {other.shape}"
        if not one.shape and other.size != 1:
            sentence = f"{name}: got one number, wanted an array of shape {other.shape}"
        if not other.shape:
            sentence = f"{name}: got {kind_of(got)}, wanted one number"
        return Verdict(Outcome.WRONG_SHAPE, sentence, **about)
    if isinstance(got, SEQUENCES) and other.shape:
        how = "np.stack or np.array makes one of it" if isinstance(got, list) else "take it out of its brackets"
        sentence = f"{name} came as a {type(got).__name__}, wanted an array: {how}"
        return Verdict(Outcome.WRONG_SHAPE, sentence, **about)
    if one.dtype.kind != other.dtype.kind or (other.dtype.kind == "f" and one.dtype.itemsize < other.dtype.itemsize):
        whole = ": `//` gives whole ones" if (one.dtype.kind, other.dtype.kind) == ("f", "i") else ""
        right = f" (the numbers are right{whole})" if close(one, other, 1e-2) else ""
        sentence = f"{name}: got dtype {one.dtype}, wanted {other.dtype}{right}"
        return Verdict(Outcome.WRONG_SHAPE, sentence, **about)
    if not close(one, other):
        wrong = int((~np.isclose(one, other, rtol=RELATIVE_ERROR, atol=_tolerance(other, RELATIVE_ERROR))).sum())
        off = f"{wrong} of {other.size} numbers are off" if other.size > 1 else "the number is off"
        return Verdict(Outcome.WRONG_VALUE, f"{name}: {off}", **about)
    return None


def kind_of(value: Any) -> str:
    """Description of a value in words: "an array of shape (2, 3)", "a list in which part 0 is None"."""
    if value is None:
        return "None"
    if nested_too_deep(value):
        return f"a {type(value).__name__} nested without end"
    if isinstance(value, list | tuple):
        shapes = [np.shape(part) if as_array(part) is not None else None for part in value]
        odd = [i for i, part in enumerate(value) if part is None] or [
            i for i, shape in enumerate(shapes) if shape != max(set(shapes), key=shapes.count)
        ]
        if odd:
            return f"a {type(value).__name__} of {len(value)} in which part {odd[0]} is {kind_of(value[odd[0]])}"
        flat = as_array(value)
        numbers = len(value) > 0 and flat is not None and flat.ndim == 1 and flat.dtype.kind in "biufc"
        return f"a {type(value).__name__} of {len(value)}" + " numbers" * numbers
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        return f"an array of {'Python objects' if value.dtype == object else value.dtype}"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, bool | int | float | np.generic | np.ndarray):
        return "a number"
    return f"a {type(value).__name__}"


def _layout(result: Any, names: Iterator[str]) -> str:
    """The names of the outputs, bracketed as in `result`: "y, (x_hat, rstd)"."""
    parts = result if isinstance(result, tuple) else (result,)
    texts = [f"({_layout(part, names)})" if isinstance(part, tuple) else next(names, "?") for part in parts]
    return ", ".join(texts) + "," * (isinstance(result, tuple) and len(texts) == 1)


def _tolerance(wanted: np.ndarray, relative: float) -> float:
    """Room for rounding: in a float's, and none in a whole number's."""
    return relative * float(np.abs(wanted).max(initial=0.0)) + TINY if wanted.dtype.kind in "fc" else 0.0


def close(got: np.ndarray, wanted: np.ndarray, relative: float = RELATIVE_ERROR) -> bool:
    if got.shape != wanted.shape or wanted.dtype.kind not in "fc":
        return np.array_equal(got, wanted)
    return np.allclose(got, wanted, rtol=relative, atol=_tolerance(wanted, relative))


def same(one: Any, other: Any) -> bool:
    """The same numbers in the same containers, NaN and inf in the same places: a forward that overflows has some."""
    if isinstance(one, SEQUENCES) or isinstance(other, SEQUENCES):
        return (
            isinstance(one, SEQUENCES)
            and isinstance(other, SEQUENCES)
            and len(one) == len(other)
            and all(map(same, one, other))
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    a, b = as_array(one), as_array(other)
    if a is None or b is None or a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc" or a.shape != b.shape:
        return one is other
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    return close(np.where(finite, a, 0), np.where(finite, b, 0))
