"""Gradient checking without a step size: the very forward that trains runs on dual numbers (`dual.py`).

With ε of the inputs, x + vε, it gives y + (J v)ε, J = ∂y/∂x, for any direction v. A backward is right if

    <dy, J v> = <backward(dy), v>      for every dy and v

The left side never sees the backward. Both are computed in float64 and differ by rounding alone, 1e-15 or so; a
difference quotient stops at 1e-9, and lets through what is off by less. Two things are taken on trust: that float32,
which trains, computes the same formulas (it does, but for Φ: see `ops/erf.py`), and that erf in float64 is Python's.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import is_host
from ..errors import UserError
from .check import NUM_DIRECTIONS
from .dual import Dual, duals
from .report import GradientReport
from .subject import compare, prepare, problem_of, root_mean_square

EXACT_THRESHOLD = 1e-13  # correct models land near 1e-15

__all__ = ["EXACT_THRESHOLD", "Dual", "check_exact", "duals"]


def check_exact(
    f: Any,
    inputs: Sequence[np.ndarray | None] | Mapping[str, np.ndarray | None],
    *,
    options: Mapping[str, Any] | None = None,
    rng: np.random.Generator | None = None,
    threshold: float = EXACT_THRESHOLD,
    full_up_to: int = 400,
) -> GradientReport:
    """Compare a backward with the derivative of its forward by dual numbers, in float64, under a random upstream
    gradient, along random directions of each input; of a wrong gradient of at most `full_up_to` numbers, number by
    number, so that the report names the worst. Other arguments and errors are those of `check_gradients`.

    Raises:
        UserError: the arrays are on a GPU, or the forward asks for what dual numbers have not got.
    """
    rng = rng or np.random.default_rng(0)
    run, backward, arrays = prepare(f, inputs, options)
    if not all(map(is_host, arrays.values())):
        raise UserError("dual numbers are computed on the CPU: move the layer and its inputs there, with to('cpu')")
    run_on_duals, _, twins = prepare(f, inputs, options, object)
    y, saved = run()
    dy = rng.standard_normal(np.shape(y))
    grads: Any = backward(dy, saved)

    def slopes(directions: Mapping[str, np.ndarray], *shape: int) -> np.ndarray:
        """<dy, J v> for many directions v at once, (..., *shape) of each input (...) that moves: (*shape)."""
        for name, twin in twins.items():
            twin[...] = duals(arrays[name], directions.get(name, np.zeros((*twin.shape, *shape))))
        return (Dual(0.0, np.zeros(shape)) + np.sum(dy * run_on_duals()[0])).derivative

    reports: dict[str, Any] = {name: problem_of(name, x, grads.get(name)) for name, x in arrays.items()}
    usable = [name for name, problem in reports.items() if not problem]
    floor = 1e-3 * root_mean_square([grads[name] for name in usable])
    shape = len(usable), NUM_DIRECTIONS  # row k of the directions moves the k-th input alone
    v = {name: rng.standard_normal((*arrays[name].shape, NUM_DIRECTIONS)) for name in usable}
    rows = dict(zip(usable, np.eye(len(usable))[..., None], strict=True))
    along = slopes({name: v[name][..., None, :] * rows[name] for name in usable}, *shape)
    for name, numeric in zip(usable, along, strict=True):
        x, grad = arrays[name], grads[name]
        terms = (grad[..., None] * v[name]).reshape(-1, NUM_DIRECTIONS)
        size = max(float(np.linalg.norm(terms, axis=0).mean()), floor * math.sqrt(x.size))  # of such a sum, as a rule
        reports[name] = compare(name, x, terms.sum(axis=0), numeric, floor=size, full_up_to=0)
        if reports[name].error > threshold and x.size <= full_up_to:
            each = slopes({name: np.eye(x.size).reshape(*x.shape, x.size)}, x.size)
            reports[name] = compare(name, x, grad.reshape(-1), each, floor=floor, full_up_to=full_up_to)
    by_duals = (report._replace(witness="dual numbers say") for report in reports.values())
    return GradientReport(tuple(by_duals), threshold)
