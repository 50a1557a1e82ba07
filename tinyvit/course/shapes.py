"""Diagnosis from a result's shape: how it was probably made."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .compare import as_array


def about_shapes(got: tuple[Any, ...], wanted: tuple[Any, ...]) -> str:
    """Probable cause of the first result that has another shape than it should."""
    if len(got) != len(wanted):  # then it is unknown which is which
        return ""
    for one, other in zip(got, wanted, strict=True):
        if isinstance(other, list | Mapping):
            return ""
        if (one := as_array(one)) is not None and one.shape != np.shape(other):
            return _about_shape(one.shape, np.shape(other)) if one.dtype.kind in "biufc" else ""
    return ""


def _about_shape(got: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if len(got) == len(wanted):
        if sorted(got) == sorted(wanted):
            moved = sum(g != w for g, w in zip(got, wanted, strict=True))
            return "two axes are swapped" if moved == 2 else "the axes stand in another order"
        return "one axis shrank to 1" if all(g in (1, w) for g, w in zip(got, wanted, strict=True)) else ""
    if tuple(n for n in got if n != 1) == tuple(n for n in wanted if n != 1):
        return "there is an axis of 1 too many" if len(got) > len(wanted) else "keepdims=True keeps an axis of 1"
    if got and got == wanted[1:]:
        return "the first axis was lost"
    if not got and wanted:
        return "is there a sum, mean or max without axis=? That makes one number of the whole array"
    if got == wanted[: len(got)]:
        return "keepdims=True keeps an axis of 1" if set(wanted[len(got) :]) == {1} else "the last axis was lost"
    return "there are axes too many: one was not summed, joined or picked" if len(got) > len(wanted) else ""


def lost_an_axis(one: str, other: str) -> bool:
    """Is the one of these two shapes, "2,5,5" and "2,5", the other without some of its axes?"""
    short, long = sorted((text.strip(",").split(",") for text in (one, other)), key=len)
    rest = iter(long)
    return len(short) < len(long) and all(length in rest for length in short)
