"""What optimizers do when nothing is said, over steps whose learning rate changes, by the papers' formulas."""

import numpy as np
import pytest

from tinyvit.optim import SGD, AdamW, FlatArrays

RATES = (0.1, 0.03, 0.2, 0.05)


@pytest.fixture(params=["separate arrays", "one vector"])
def problem(request, rng):
    """A weight that decays, a bias that does not, and gradients; among them tiny ones, for which eps counts."""
    start = {"weight": rng.standard_normal((3, 2)), "bias": rng.standard_normal(4)}
    parameters = {name: array.copy() for name, array in start.items()}
    if request.param == "one vector":
        parameters = FlatArrays(start)
        parameters.add(start)
    sizes = 10.0 ** rng.integers(-9, 1, (len(RATES), 1))
    grads = [{name: size * rng.standard_normal(array.shape) for name, array in start.items()} for size in sizes]
    return start, parameters, grads


def compare(parameters, wanted):
    for name, array in wanted.items():
        np.testing.assert_allclose(parameters[name], array, rtol=1e-9)


def test_adamw_is_the_papers(problem):
    wanted, parameters, grads = problem
    optimizer = AdamW(parameters)
    m, v = (dict.fromkeys(wanted, 0.0) for _ in range(2))
    for t, (lr, grad) in enumerate(zip(RATES, grads, strict=True), 1):
        optimizer.step(grad, lr=lr)
        for name, p in wanted.items():
            m[name] = 0.9 * m[name] + 0.1 * grad[name]
            v[name] = 0.999 * v[name] + 0.001 * grad[name] ** 2
            step = (m[name] / (1 - 0.9**t)) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            wanted[name] = p - lr * (step + (0.05 * p if name == "weight" else 0.0))
        compare(parameters, wanted)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"nesterov": True}, {"weight_decay": 0.3}])
def test_sgd_is_pytorchs(problem, options):
    """The learning rate stays outside the velocity: a step that was small does not make the next ones small."""
    wanted, parameters, grads = problem
    optimizer = SGD(parameters, **options)
    momentum, decay = options.get("momentum", 0.9), options.get("weight_decay", 0.0)
    velocity = dict.fromkeys(wanted, 0.0)
    for lr, grad in zip(RATES, grads, strict=True):
        optimizer.step(grad, lr=lr)
        for name, p in wanted.items():
            g = grad[name] + (decay * p if name == "weight" else 0.0)
            velocity[name] = momentum * velocity[name] + g
            wanted[name] = p - lr * (g + momentum * velocity[name] if options.get("nesterov") else velocity[name])
        compare(parameters, wanted)
