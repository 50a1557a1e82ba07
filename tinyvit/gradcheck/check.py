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
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import Array, array_module, like, to_numpy
from ..errors import UserError
from ..layers import Layer
from .report import GradientReport, InputReport

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
    options = dict(options or {})
    if "rng" in options and not callable(options["rng"]):
        raise UserError(
            'options["rng"] must be a function that makes the same generator each time, '
            f"got {options['rng']!r}: write lambda: np.random.default_rng(7)"
        )
    if not 0 < step < math.inf:
        raise UserError(f"step must be above 0 and finite, got {step}: leave it out for {STEP}")
    given = _as_float64(inputs)
    forward, backward, arrays = _as_pair(f, given, options)  # `arrays` are nudged in place, and the forward sees it
    if not arrays:
        raise UserError("there is nothing to check: give at least one input that is an array")

    def run() -> tuple[Array, Any]:
        fresh = {key: value() if key == "rng" else value for key, value in options.items()}
        return forward(*given.values(), **fresh)

    y, saved = run()
    dy = like(rng.standard_normal(y.shape), y)
    grads: Any = backward(dy, saved)

    def loss() -> float:
        return float((dy * run()[0]).sum())

    pairs = {}
    problems = {}
    for name, array in arrays.items():
        problem = _problem(array, grads.get(name))
        if problem:
            problems[name] = InputReport(name, array.shape, math.inf, None, math.nan, math.nan, problem)
        elif array.size <= full_up_to:
            pairs[name] = to_numpy(grads[name]).reshape(-1), _difference_quotients(loss, array, step)
        else:
            pairs[name] = _along_directions(loss, array, grads[name], step, rng)
    # The scale of all gradients: the least by which the errors of any one of them are measured.
    everything = np.concatenate([numeric for _, numeric in pairs.values()] or [np.ones(1)])  # 1: no gradient was usable
    floor = 1e-3 * math.sqrt(float(np.mean(everything**2))) + 1e-300  # never 0 / 0
    reports = [
        problems.get(name) or _compare(name, array, *pairs[name], floor=floor, full_up_to=full_up_to)
        for name, array in arrays.items()
    ]
    return GradientReport(tuple(reports), threshold)


def _as_float64(inputs: Any) -> dict[str, Array | None]:
    """Copies of the inputs by name."""
    if not isinstance(inputs, Mapping | list | tuple):
        raise UserError(f"inputs must be a list or a dict of arrays, got one {type(inputs).__name__}: write [x]")
    named = inputs if isinstance(inputs, Mapping) else {f"input{i}": x for i, x in enumerate(inputs)}
    for name, x in named.items():
        if x is not None and (getattr(x, "dtype", np.dtype("O")).kind not in "fiu" or not x.size):
            got = f"{x.dtype} {x.shape}" if hasattr(x, "dtype") else type(x).__name__
            raise UserError(f"{name} must be an array of real numbers, at least one, got {got}: use another, or None")
    return {name: None if x is None else array_module(x).array(x, "float64") for name, x in named.items()}


def _as_pair(
    f: Any, given: dict[str, Array | None], options: Mapping[str, Any]
) -> tuple[Callable[..., Any], Callable[..., dict[str, Array | None]], dict[str, Array]]:
    """Any of the things `check_gradients` takes, as a forward, a backward that returns gradients by name, and the live
    arrays by name.
    """
    arrays = {name: x for name, x in given.items() if x is not None}
    if isinstance(f, Layer):
        wanted = [p for name, p in inspect.signature(f.forward).parameters.items() if name not in options]
        count = sum(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in wanted)
        if not len(given) == len(arrays) == count:
            words = "one input, an array" if count == 1 else f"{count} inputs, arrays"
            raise UserError(f"a layer takes {words}, got {len(arrays)}: write [x]")
        layer = f.astype(np.float64)

        def layer_backward(dy: Array, saved: Any) -> dict[str, Array | None]:
            *dinputs, grads = layer.backward(dy, saved)
            return {**dict(zip(given, dinputs, strict=False)), **grads}

        return layer.forward, layer_backward, arrays | layer.parameters()
    if not (isinstance(f, tuple | list) and len(f) == 2 and all(map(callable, f))):
        raise UserError(
            "check_gradients takes an op, a pair of functions (forward, backward) or a layer, "
            f"got {f!r}: pass one of these"
        )
    forward, backward = f

    def op_backward(dy: Array, saved: Any) -> dict[str, Array | None]:
        grads: Any = backward(dy, saved)
        return dict(zip(given, grads if isinstance(grads, tuple) else (grads,), strict=False))

    return forward, op_backward, arrays


def _problem(array: Array, grad: Array | None) -> str:
    """Problem of a gradient that shows before its values are compared; empty when there is none."""
    if grad is None:
        return "the backward returned no gradient for it: one per input is needed, in the forward's order"
    if getattr(grad, "shape", None) != array.shape:
        return f"the gradient has the shape {getattr(grad, 'shape', None)}, wanted the input's {array.shape}"
    if grad.dtype != array.dtype:
        return f"the gradient is {grad.dtype}, wanted the input's {array.dtype}"
    return ""


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


def _compare(
    name: str, array: Array, analytic: np.ndarray, numeric: np.ndarray, *, floor: float, full_up_to: int
) -> InputReport:
    # An entry far below its neighbours is judged by them: its own rounding error would look enormous.
    typical = max(math.sqrt(float(np.mean(numeric**2))), floor)
    errors = np.abs(analytic - numeric) / np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), typical)
    errors = np.where(np.isfinite(errors), errors, np.inf)  # a NaN gradient is as wrong as can be
    worst = int(errors.argmax())
    index = tuple(map(int, np.unravel_index(worst, array.shape))) if array.size <= full_up_to else None
    return InputReport(name, array.shape, float(errors[worst]), index, float(analytic[worst]), float(numeric[worst]))
