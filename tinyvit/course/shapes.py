"""Diagnosis from a result's shape: how it was probably made."""

from typing import Any

import numpy as np


def as_array(value: Any) -> np.ndarray | None:
    try:
        return np.asarray(value)
    except ValueError:  # lists of different lengths
        return None


def about_shapes(got: tuple[Any, ...], wanted: tuple[Any, ...]) -> str:
    """Probable cause of the first result that has another shape than it should."""
    if len(got) != len(wanted):  # then it is unknown which is which
        return ""
    for one, other in zip(got, wanted, strict=True):
        if (one := as_array(one)) is not None and one.shape != np.shape(other):
            return _about_shape(one.shape, np.shape(other)) if one.dtype.kind in "biufc" else ""
    return ""


def _about_shape(got: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if len(got) == len(wanted):
        if sorted(got) == sorted(wanted):
            return "two axes are swapped"
        return "one axis shrank to 1" if all(g in (1, w) for g, w in zip(got, wanted, strict=True)) else ""
    if tuple(n for n in got if n != 1) == tuple(n for n in wanted if n != 1):
        return "there is an axis of 1 too many" if len(got) > len(wanted) else "keepdims=True keeps an axis of 1"
    if got and got == wanted[1:]:
        return "the batch axis was lost"
    if not got and len(wanted) > 1:
        return "a sum, mean or max without axis= makes one number of the whole array"
    if got == wanted[: len(got)]:
        return "an axis was summed away; keepdims=True keeps it"
    return "a sum is missing" if wanted in (got[: len(wanted)], got[len(got) - len(wanted) :]) else ""


def lost_an_axis(one: str, other: str) -> bool:
    """Is the one of these two shapes, "2,5,5" and "2,5", the other without some of its axes?"""
    short, long = sorted((text.strip(",").split(",") for text in (one, other)), key=len)
    rest = iter(long)
    return len(short) < len(long) and all(length in rest for length in short)
