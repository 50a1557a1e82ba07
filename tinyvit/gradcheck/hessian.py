"""Second derivatives: a backward that runs on dual numbers gives Hessian-vector products.

The gradient g(w) of a loss is what the backward computes. On w + vε it computes g(w) + (H v)ε, with H = ∂g/∂w, the
Hessian. No second derivative is written anywhere, and H, of as many rows and columns as there are parameters, is never
made. That H is symmetric, <u, H v> = <v, H u>, is one more check of a backward: nothing in it asks for symmetry.
Source: Pearlmutter 1994, "Fast Exact Multiplication by the Hessian", Neural Computation 6(1).
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np

from ..backend import Array, to_numpy
from ..errors import UserError
from ..layers import Layer
from ..layers.layer import Grads
from .dual import derivatives, duals

Model = TypeVar("Model", bound=Layer)


def hessian_vector_product(
    gradients: Callable[[Model], Mapping[str, Array]], model: Model, direction: Mapping[str, Array]
) -> Grads:
    """H v in float64, by the names of the parameters. NumPy asks each number by itself: it is for small models.

    Args:
        gradients: model -> the gradient of a loss by every parameter. It is called with a copy of the model that holds
            dual numbers, and gives it inputs of its dtype: `images.astype(model.dtype)`.
        direction: v, an array in each parameter's shape; or m directions at once, (*shape, m), and so is H v then.

    Raises:
        UserError: a parameter has no direction, or one of another shape.
    """
    parameters = {name: to_numpy(array) for name, array in model.parameters().items()}
    for name, array in parameters.items():
        given = direction[name].shape if name in direction else None
        if given is None or given[: array.ndim] != array.shape:
            raise UserError(f"the direction of {name} must have its shape {array.shape}, got {given}: add one")
    twin = model.to("cpu").astype(object)
    for name, array in twin.parameters().items():
        array[...] = duals(parameters[name].astype(np.float64), direction[name])
    return {name: derivatives(grad) for name, grad in gradients(twin).items()}


class Curvature(NamedTuple):
    """The eigenvalue of the Hessian that is largest in magnitude."""

    value: float  # λ; gradient descent with a learning rate above 2 / λ climbs out of such a valley
    direction: Grads  # v of length 1, with H v = λ v
    error: float  # |H v - λ v|: some eigenvalue is at most so far from λ


def largest_curvature(
    gradients: Callable[[Model], Mapping[str, Array]],
    model: Model,
    *,
    steps: int = 30,
    tolerance: float = 1e-3,
    rng: np.random.Generator | None = None,
) -> Curvature:
    """Largest curvature of a loss at a model's weights, and the direction where it bends most, by power iteration.

    v <- H v / |H v| turns v into the direction that H stretches most, and λ = <v, H v> (Rayleigh's quotient).

    Args:
        gradients: as in `hessian_vector_product`.
        steps: Hessian-vector products at most.
        tolerance: it ends when |H v - λ v| is at most so large a part of |λ|.

    Source: LeCun, Simard, Pearlmutter 1992, "Automatic Learning Rate Maximization by On-Line Estimation of the
    Hessian's Eigenvectors"; that training goes to where λ is 2 / learning rate: Cohen et al. 2021, arXiv:2103.00065.

    Raises:
        UserError: `steps` is below 1.
    """
    if steps < 1:
        raise UserError(f"steps must be at least 1, got {steps}: power iteration needs one product")
    rng = rng or np.random.default_rng(0)
    v = _unit({name: rng.standard_normal(array.shape) for name, array in model.parameters().items()})
    for _ in range(steps):
        product = hessian_vector_product(gradients, model, v)
        value = _inner(v, product)
        rest = {name: product[name] - value * v[name] for name in v}
        found = Curvature(value, v, math.sqrt(_inner(rest, rest)))
        if found.error <= tolerance * abs(value):
            break
        v = _unit(product)
    return found


def _inner(a: Grads, b: Grads) -> float:
    return sum(float((a[name] * b[name]).sum()) for name in a)


def _unit(v: Grads) -> Grads:
    length = math.sqrt(_inner(v, v)) or 1.0  # a loss without curvature
    return {name: array / length for name, array in v.items()}
