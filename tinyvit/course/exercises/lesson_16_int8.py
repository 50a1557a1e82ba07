# mypy: disable-error-code="no-untyped-def"
"""Lesson 16, weights of 8 bits: quantization by column."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 16.8 ---


def quantize(weight):
    return _rounded(weight)


def _rounded(weight, *, axis=0, largest=127, rounding=np.rint, absolute=True, guard=True, clip=True):
    with np.errstate(all="ignore"):
        size = np.abs(weight).max(axis) if absolute else weight.max(axis)
        scales = size / largest
        scales = np.where(scales > 0, scales, 1.0) if guard else scales
        codes = rounding(weight / (scales if axis in (0, None) else scales[:, None]))
        return (np.clip(codes, -128, 127) if clip else codes).astype(np.int8), scales


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((4, 6), (1, 5), (7, 1), (8, 3), (5, 5)):
        yield Case((rng.standard_normal(shape) * 10.0 ** rng.uniform(-3, 2, shape[1]),))
    some = rng.standard_normal((4, 3))
    some[:, 1] = 0  # a column of zeros
    yield Case((some,))
    yield Case((-np.abs(rng.standard_normal((5, 4))),))  # no number above 0


def _changed(**options):
    return lambda weight: _rounded(weight, **options)


add(
    "16.8",
    quantize,
    _cases,
    outputs=("codes", "scales"),
    mistakes={
        "one scale was taken for the whole weight; each column has its own": lambda w: (
            _rounded(w, axis=None)[0],
            np.full(w.shape[1], _rounded(w, axis=None)[1]),
        ),
        "the largest code is 127; with 128, the largest number wraps around to -128": _changed(largest=128, clip=False),
        "the numbers were cut off towards 0; round to the nearest": _changed(rounding=np.trunc),
        "the largest number, whatever its sign: take the absolute value first": _changed(absolute=False),
        "a column of zeros gives 0 / 0: its scale is 1": _changed(guard=False),
        "the largest code is 127": _changed(largest=255),
    },
)
