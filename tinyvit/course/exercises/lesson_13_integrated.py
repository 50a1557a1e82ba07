# mypy: disable-error-code="no-untyped-def"
"""Lesson 13, gradients along the way from nothing: integrated gradients."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 13.6 ---


def integrated_gradients(gradient, x, baseline, steps):
    return _integrated(gradient, x, baseline, steps)


def _integrated(gradient, x, baseline, steps, *, where=0.5, times=None, together=np.mean, count=0):
    way = x - baseline
    each = [gradient(baseline + (step + where) / steps * way) for step in range(steps + count)]
    return together(each, axis=0) * (way if times is None else times(x, way))


def _function(rng: np.random.Generator):
    a, b = rng.uniform(0.5, 1.5, 2)
    return lambda x: a * np.cos(a * x) + 2 * b * x * (1 + (x**2).sum())


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, steps in (((4,), 3), ((2, 3), 8), ((1, 5), 1), ((2, 1, 3), 5), ((), 4)):
        yield Case((_function(rng), rng.standard_normal(shape), rng.standard_normal(shape), steps))
        yield Case((_function(rng), rng.standard_normal(shape), np.zeros(shape), steps))


def _changed(**options):
    return lambda *given: _integrated(*given, **options)


add(
    "13.6",
    integrated_gradients,
    _cases,
    outputs=("attribution",),
    mistakes={
        "the gradients were taken at the beginning of each step; take them in its middle": _changed(where=0.0),
        "the gradients were taken at the end of each step; take them in its middle": _changed(where=1.0),
        "the gradients were added up; take their mean": _changed(together=np.sum),
        "multiply by the way from the baseline, x - baseline": _changed(times=lambda x, way: 1.0),
        "multiply by x - baseline, the way that was gone, and not by x": _changed(times=lambda x, way: x),
        "this is gradient times way, at the end alone: the way itself counts": (
            lambda gradient, x, baseline, steps: gradient(x) * (x - baseline)
        ),
        "the sign is that of a way from x to the baseline; it leads from the baseline to x": (
            lambda *given: -_integrated(*given)
        ),
        "one step too many": _changed(count=1),
    },
)
