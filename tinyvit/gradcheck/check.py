"""Gradient checking by finite differences: nudge each input a little, see how the output moves, and compare.

For y = f(x) and any upstream gradient dy, the backward promises a dx with

    Σ dx * v = d/dh Σ dy * f(x + h v)   for every direction v, at h = 0.

The right side needs only forwards, by a central difference of L(x) = Σ dy * f(x):

    (L(x + h v) - L(x - h v)) / 2h      wrong by h² L'''/6, and by rounding, about 1e-16 |L| / h

Small inputs are checked number by number (v is one axis), large ones along random directions: the error of a gradient
would have to be orthogonal to all of them to go unnoticed. Three things make the check able to fail:
- dy is random. With dy of ones, dx of softmax and dx of a fresh layer norm are zero, and zeros always agree.
- float64. In float32 rounding drowns the difference.
- errors are relative to a typical entry of the gradient, so a small gradient that is wrong is wrong (one that is more
  than 1000 times smaller than the others' is judged by a 1000th of theirs, for rounding drowns it).
`exact.py` needs no step h, and finds far smaller errors.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import Array, like, to_numpy
from ..errors import UserError
from .report import GradientReport
from .subject import compare, prepare, problem_of, root_mean_square

THRESHOLD = 1e-6  # correct ops land near 1e-9
STEP = 1e-5
NUM_DIRECTIONS = 3


def check_gradients(
    f: Any,
    inputs: Sequence[Array | None] | Mapping[str, Array | None],
    *,
    options: Mapping[str, Any] | None = None,
    rng: np.random.Generator | None = None,
    step: float = STEP,
    threshold: float = THRESHOLD,
    full_up_to: int = 400,
) -> GradientReport:
    """Compare a backward with central differences of its forward, in float64, under a random upstream gradient.

    Args:
        f: what to check: an op of `ops.OPS`, a pair `(forward, backward)` that keeps the same contract, or a `Layer`
            (a model is one). A layer's parameters are checked besides its input, in a float64 copy.
        inputs: the positional arguments of the forward, in its order; a dict's names are for the report.
        options: the keyword arguments of the forward, and those positional ones that cannot be nudged, such as codes of
            words. A callable under the key "rng" is called before each forward, so that every forward draws the same
            random numbers: `{"rng": lambda: np.random.default_rng(7)}`.
        rng: draws the upstream gradient and the directions.
        step: h above.
        threshold: the relative error up to which the check passes.
        full_up_to: inputs of at most so many numbers are checked number by number, larger ones along directions.

    Raises:
        UserError: `f` is none of these, an input is no array or empty, an option cannot be used, or there is nothing
            to check.
    """
    rng = rng or np.random.default_rng(0)
    if not 0 < step < math.inf:
        raise UserError(f"step must be above 0 and finite, got {step}: leave it out for {STEP}")
    run, backward, arrays = prepare(f, inputs, options)  # `arrays` are nudged in place, and the forward sees it
    y, saved = run()
    dy = like(rng.standard_normal(y.shape), y)
    grads: Any = backward(dy, saved)

    def loss() -> float:
        return float((dy * run()[0]).sum())

    reports: dict[str, Any] = {name: problem_of(name, array, grads.get(name)) for name, array in arrays.items()}
    pairs = {}
    for name, array in arrays.items():
        if reports[name]:
            continue
        if array.size <= full_up_to:
            pairs[name] = to_numpy(grads[name]).reshape(-1), _difference_quotients(loss, array, step)
        else:
            pairs[name] = _along_directions(loss, array, grads[name], step, rng)
    floor = 1e-3 * root_mean_square([numeric for _, numeric in pairs.values()])  # errors are measured by no less
    for name, pair in pairs.items():
        reports[name] = compare(name, arrays[name], *pair, floor=floor, full_up_to=full_up_to)
    return GradientReport(tuple(reports.values()), threshold)


def _difference_quotients(loss: Callable[[], float], array: Array, step: float) -> np.ndarray:
    """dloss / d(each number of `array`), flat; `array` is nudged in place and put back."""
    quotients = np.empty(array.size)
    for position in range(array.size):
        index = np.unravel_index(position, array.shape)
        kept = array[index].copy()
        array[index] = kept + step
        up = loss()
        array[index] = kept - step
        down = loss()
        array[index] = kept
        quotients[position] = (up - down) / (2 * step)
    return quotients


def _along_directions(
    loss: Callable[[], float], array: Array, grad: Array, step: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Directional derivatives by the backward and by the difference quotient, along random directions of length one."""
    analytic, numeric = np.empty(NUM_DIRECTIONS), np.empty(NUM_DIRECTIONS)
    kept = array.copy()
    for i in range(NUM_DIRECTIONS):
        direction = rng.standard_normal(array.shape)
        direction = like(direction / np.linalg.norm(direction), array)
        array += step * direction
        up = loss()
        array[...] = kept - step * direction
        down = loss()
        array[...] = kept
        analytic[i], numeric[i] = float((grad * direction).sum()), (up - down) / (2 * step)
    return analytic, numeric
