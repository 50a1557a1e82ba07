# mypy: disable-error-code="no-untyped-def"
"""Lesson 11, optimisers."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def _shapes(rng: np.random.Generator) -> list[tuple[int, ...]]:
    return [(5,), (3, 4), tuple(rng.integers(2, 6, 3)), (1, 3), (2, 1, 3, 2)]


# --- 11.1 ---


def sgd_momentum_step(p, g, velocity, lr, momentum):
    velocity = momentum * velocity + g
    return velocity, p - lr * velocity


def _sgd_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in _shapes(rng):
        p, g, velocity = rng.standard_normal((3, *shape))
        yield Case((p, g, velocity, rng.uniform(0.1, 0.4), rng.uniform(0.5, 0.95)))


def _with_velocity(p, velocity, lr):
    return velocity, p - lr * velocity


def _rate_in_velocity(p, g, velocity, lr, momentum):
    velocity = momentum * velocity + lr * g
    return velocity, p - velocity


add(
    "11.1",
    sgd_momentum_step,
    _sgd_cases,
    outputs=("velocity", "p"),
    mistakes={
        "p goes up the hill: the step is against the gradient, with a minus": (
            lambda p, g, velocity, lr, momentum: (momentum * velocity + g, p + lr * (momentum * velocity + g))
        ),
        "the velocity is not in it: this is plain SGD": (lambda p, g, velocity, lr, momentum: _with_velocity(p, g, lr)),
        "p moves by the gradient; it moves by the new velocity": (
            lambda p, g, velocity, lr, momentum: (momentum * velocity + g, p - lr * g)
        ),
        "p moves by the old velocity: update the velocity first, then step": (
            lambda p, g, velocity, lr, momentum: (momentum * velocity + g, p - lr * velocity)
        ),
        "lr is missing: p moves by lr times the velocity": (
            lambda p, g, velocity, lr, momentum: _with_velocity(p, momentum * velocity + g, 1)
        ),
        "the gradient was weighted by 1 - momentum; here the velocity is a sum, not an average": (
            lambda p, g, velocity, lr, momentum: _with_velocity(p, momentum * velocity + (1 - momentum) * g, lr)
        ),
        "the momentum is missing: the old velocity fades, it is multiplied by momentum": (
            lambda p, g, velocity, lr, momentum: _with_velocity(p, velocity + g, lr)
        ),
        "lr went into the velocity; it belongs to the step of p": _rate_in_velocity,
        "p is right, but the old velocity was returned: the next step needs the new one": (
            lambda p, g, velocity, lr, momentum: (velocity, p - lr * (momentum * velocity + g))
        ),
    },
    not_to_call=("optim/",),
)


# --- 11.2 ---


def adamw_step(p, g, m, v, step, lr, betas, eps, weight_decay):
    return _adam(p, g, m, v, step, lr, betas, eps, weight_decay)


def _adam(
    p, g, m, v, step, lr, betas, eps, weight_decay, *,
    correct=lambda average, beta, step: average / (1 - beta**step),
    l2=False, decay_rate=None, late=False, rooted=True, eps_inside=False, keep_corrected=False, square=True,
    weight=lambda beta: 1 - beta, move_rate=None,
):  # fmt: skip
    beta1, beta2 = betas
    if l2:
        g = g + weight_decay * p
    m = beta1 * m + weight(beta1) * g
    v = beta2 * v + weight(beta2) * (g**2 if square else g)
    m_hat, v_hat = correct(m, beta1, step), correct(v, beta2, step)
    with np.errstate(invalid="ignore"):  # a wrong correction may make v_hat negative
        if eps_inside:
            move = m_hat / np.sqrt(v_hat + eps)
        else:
            move = m_hat / ((np.sqrt(v_hat) if rooted else v_hat) + eps)
    pull = 0.0 if l2 else weight_decay * (lr if decay_rate is None else decay_rate)
    move = (lr if move_rate is None else move_rate) * move
    p = (p - move) * (1 - pull) if late else p * (1 - pull) - move
    return (m_hat, v_hat, p) if keep_corrected else (m, v, p)


def _adam_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in _shapes(rng):
        p, g, m = rng.standard_normal((3, *shape))
        v = rng.uniform(0.1, 2, shape)
        betas = (rng.uniform(0.6, 0.8), rng.uniform(0.85, 0.99))
        for step, eps in ((int(rng.integers(2, 6)), 1e-8), (int(rng.integers(2, 6)), 0.1)):
            yield Case((p, g, m, v, step, rng.uniform(0.1, 0.3), betas, eps, rng.uniform(0.1, 0.4)))
        yield Case((p, g, np.zeros(shape), np.zeros(shape), 1, 0.1, betas, 1e-8, 0.2))


def _turned(p, g, m, v, step, lr, betas, eps, weight_decay):
    return _adam(p, g, m, v, step, lr, betas[::-1], eps, weight_decay)


def _weights_swapped(p, g, m, v, step, lr, betas, eps, weight_decay):
    beta1, beta2 = betas
    m, v = (1 - beta1) * m + beta1 * g, (1 - beta2) * v + beta2 * g**2
    move = m / (1 - beta1**step) / (np.sqrt(v / (1 - beta2**step)) + eps)
    return m, v, p * (1 - lr * weight_decay) - lr * move


def _uphill(p, g, m, v, step, lr, betas, eps, weight_decay):
    return _adam(p, g, m, v, step, lr, betas, eps, weight_decay, move_rate=-lr)


def _growing(p, g, m, v, step, lr, betas, eps, weight_decay):
    return _adam(p, g, m, v, step, lr, betas, eps, weight_decay, decay_rate=-lr)


add(
    "11.2",
    adamw_step,
    _adam_cases,
    outputs=("m", "v", "p"),
    mistakes={
        "m and v were not corrected: in the first steps both are too small, divide by 1 - beta ** step": (
            lambda *arguments: _adam(*arguments, correct=lambda average, beta, step: average)
        ),
        "divide by 1 - beta ** step; the power is missing": (
            lambda *arguments: _adam(*arguments, correct=lambda average, beta, step: average / (1 - beta))
        ),
        "divide by 1 - beta ** step, a power; you wrote beta * step": (
            lambda *arguments: _adam(*arguments, correct=lambda average, beta, step: average / (1 - beta * step))
        ),
        "brackets are missing: m / 1 - beta ** step first divides by 1; write m / (1 - beta ** step)": (
            lambda *arguments: _adam(*arguments, correct=lambda average, beta, step: average / 1 - beta**step)
        ),
        "v averages the *square* of the gradient": lambda *arguments: _adam(*arguments, square=False),
        "these are sums, not averages: weight the new gradient by 1 - beta": (
            lambda *arguments: _adam(*arguments, weight=lambda beta: 1)
        ),
        "beta and 1 - beta are swapped: the old average gets beta, the new gradient 1 - beta": _weights_swapped,
        "p goes up the hill: the step is against m_hat, with a minus": _uphill,
        "lr is missing in the step: p moves by lr times m_hat / (sqrt(v_hat) + eps)": (
            lambda *arguments: _adam(*arguments, move_rate=1.0)
        ),
        "the decay makes p grow; it pulls p towards 0: 1 - lr * weight_decay": _growing,
        "the decay went into the gradient: that is Adam with L2; in AdamW it acts on p directly": (
            lambda *arguments: _adam(*arguments, l2=True)
        ),
        "the decay is missing: p also shrinks by lr * weight_decay * p": (
            lambda *arguments: _adam(*arguments, decay_rate=0.0)
        ),
        "the decay is not multiplied by lr": lambda *arguments: _adam(*arguments, decay_rate=1.0),
        "the decay was taken of the new p; it belongs to the p you were given": (
            lambda *arguments: _adam(*arguments, late=True)
        ),
        "you divided by v; the size of the gradient is its square root": (
            lambda *arguments: _adam(*arguments, rooted=False)
        ),
        "eps belongs outside the square root": lambda *arguments: _adam(*arguments, eps_inside=True),
        "p is right, but the corrected m and v were returned: return the running averages": (
            lambda *arguments: _adam(*arguments, keep_corrected=True)
        ),
        "the two betas are swapped: the first belongs to m, the second to v": _turned,
    },
    not_to_call=("optim/",),
)
