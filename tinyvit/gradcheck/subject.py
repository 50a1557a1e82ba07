"""Subject of a check: an op, a pair of functions or a layer, made ready to be run again and again on changed inputs."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..errors import UserError
from ..layers import Layer
from .report import InputReport


class Subject(NamedTuple):
    run: Callable[[], tuple[Any, Any]]  # -> (y, saved), at the values that `arrays` hold
    backward: Callable[[Any, Any], dict[str, Array | None]]  # (dy, saved) -> gradients by name
    arrays: dict[str, Array]  # the live inputs and parameters: what is written into them, the next run sees


def prepare(f: Any, inputs: Any, options: Mapping[str, Any] | None, dtype: Any = np.float64) -> Subject:
    """`f` at copies of `inputs` in `dtype`; arguments and errors as of `check_gradients`."""
    options = dict(options or {})
    if "rng" in options and not callable(options["rng"]):
        raise UserError(
            'options["rng"] must be a function that makes the same generator each time, '
            f"got {options['rng']!r}: write lambda: np.random.default_rng(7)"
        )
    given = _copies(inputs, dtype)
    forward, backward, arrays = _as_pair(f, given, options, dtype)
    if not arrays:
        raise UserError("there is nothing to check: give at least one input that is an array")

    def run() -> tuple[Any, Any]:
        fresh = {key: value() if key == "rng" else value for key, value in options.items()}
        try:
            return forward(*given.values(), **fresh)
        except (TypeError, AttributeError) as error:
            if dtype is not object:
                raise
            raise UserError(f"this forward cannot run on dual numbers ({error}): use check_gradients") from error

    return Subject(run, backward, arrays)


def _copies(inputs: Any, dtype: Any) -> dict[str, Array | None]:
    """Copies of the inputs by name."""
    if not isinstance(inputs, Mapping | list | tuple):
        raise UserError(f"inputs must be a list or a dict of arrays, got one {type(inputs).__name__}: write [x]")
    named = inputs if isinstance(inputs, Mapping) else {f"input{i}": x for i, x in enumerate(inputs)}
    for name, x in named.items():
        if x is not None and (getattr(x, "dtype", np.dtype("O")).kind not in "fiu" or not x.size):
            got = f"{x.dtype} {x.shape}" if hasattr(x, "dtype") else type(x).__name__
            raise UserError(f"{name} must be an array of real numbers, at least one, got {got}: use another, or None")
    return {name: None if x is None else array_module(x).array(x, dtype) for name, x in named.items()}


def _as_pair(
    f: Any, given: dict[str, Array | None], options: Mapping[str, Any], dtype: Any
) -> tuple[Callable[..., Any], Callable[..., dict[str, Array | None]], dict[str, Array]]:
    """Any of the things that are checked, as a forward, a backward that returns gradients by name, and the live
    arrays by name.
    """
    arrays = {name: x for name, x in given.items() if x is not None}
    if isinstance(f, Layer):
        wanted = [p for name, p in inspect.signature(f.forward).parameters.items() if name not in options]
        count = sum(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in wanted)
        if not len(given) == len(arrays) == count:
            words = "one input, an array" if count == 1 else f"{count} inputs, arrays"
            raise UserError(f"a layer takes {words}, got {len(arrays)}: write [x]")
        layer = f.astype(dtype)

        def layer_backward(dy: Array, saved: Any) -> dict[str, Array | None]:
            *dinputs, grads = layer.backward(dy, saved)
            return {**dict(zip(given, dinputs, strict=False)), **grads}

        return layer.forward, layer_backward, arrays | layer.parameters()
    if not (isinstance(f, tuple | list) and len(f) == 2 and all(map(callable, f))):
        raise UserError(
            "a gradient check takes an op, a pair of functions (forward, backward) or a layer, "
            f"got {f!r}: pass one of these"
        )
    forward, backward = f

    def op_backward(dy: Array, saved: Any) -> dict[str, Array | None]:
        grads: Any = backward(dy, saved)
        return dict(zip(given, grads if isinstance(grads, tuple) else (grads,), strict=False))

    return forward, op_backward, arrays


def problem_of(name: str, array: Array, grad: Any) -> InputReport | None:
    """Report of a gradient whose values cannot be compared; None where they can."""
    problem = ""
    if grad is None:
        problem = "the backward returned no gradient for it: one per input is needed, in the forward's order"
    elif getattr(grad, "shape", None) != array.shape:
        problem = f"the gradient has the shape {getattr(grad, 'shape', None)}, wanted the input's {array.shape}"
    elif grad.dtype != array.dtype:
        problem = f"the gradient is {grad.dtype}, wanted the input's {array.dtype}"
    return InputReport(name, array.shape, math.inf, None, math.nan, math.nan, problem) if problem else None


def root_mean_square(arrays: Sequence[np.ndarray]) -> float:
    """Of all their numbers; 1 where there are none, and never 0."""
    squares = np.concatenate([array.reshape(-1) ** 2 for array in arrays] or [np.ones(1)])
    return math.sqrt(float(np.mean(squares))) + 1e-297


def compare(
    name: str, array: Array, analytic: np.ndarray, numeric: np.ndarray, *, floor: float, full_up_to: int
) -> InputReport:
    # An entry far below its neighbours is judged by them: its own rounding error would look enormous.
    typical = max(math.sqrt(float(np.mean(numeric**2))), floor)
    with np.errstate(invalid="ignore"):  # of infinite gradients
        errors = np.abs(analytic - numeric) / np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), typical)
    errors = np.where(np.isfinite(errors), errors, np.inf)  # a NaN gradient is as wrong as can be
    worst = int(errors.argmax())
    index = tuple(map(int, np.unravel_index(worst, array.shape))) if array.size <= full_up_to else None
    return InputReport(name, array.shape, float(errors[worst]), index, float(analytic[worst]), float(numeric[worst]))
