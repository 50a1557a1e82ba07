# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, focal loss and its gradient."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 21.4 ---


def focal(logits, targets, alpha, gamma):
    return _losses(logits, targets, alpha, gamma)


def _losses(
    logits,
    targets,
    alpha,
    gamma,
    *,
    weight=lambda targets, alpha: np.where(targets, alpha, 1 - alpha),
    minus_log=lambda z: np.logaddexp(0, -z),
    factor=lambda p, q, gamma: q**gamma,
    slope=lambda p, q, s, gamma: -(q**gamma) * (gamma * p * s + q),
    back=lambda targets: np.where(targets, 1, -1),
    towards=lambda targets: np.where(targets, 1, -1),
):
    z = towards(targets) * logits
    q = 0.5 * (1 - np.tanh(z / 2))
    p, s, w = 1 - q, minus_log(z), weight(targets, alpha)
    return w * factor(p, q, gamma) * s, w * slope(p, q, s, gamma) * back(targets)


def _slip(**options):
    return lambda logits, targets, alpha, gamma: _losses(logits, targets, alpha, gamma, **options)


def _log_of_rounded(z):
    return -np.log(0.5 * (1 + np.tanh(z / 2)))


def _yes_or_no_cases(rng: np.random.Generator) -> Iterator[Case]:
    """In the last one a probability is rounded to 0."""
    for shape, alpha, gamma, far in (
        ((3, 4), 0.25, 2.0, 0),
        ((2, 3, 2), 0.5, 0.0, 0),
        ((7,), 0.7, 0.5, 1),
        ((1, 1), 0.25, 1.0, 0),
        ((4, 3), 0.1, 3.0, 0),
        ((6, 2), 0.4, 2.0, 800),
    ):
        logits, targets = rng.standard_normal(shape), rng.random(shape) < 0.4
        logits.flat[0], targets.flat[0] = -1.2, True
        logits.flat[-1], targets.flat[-1] = (-1.2, True) if targets.size == 1 else (1.3, False)
        yield Case((logits + far * np.sign(logits), targets, alpha, gamma))


add(
    "21.4",
    focal,
    _yes_or_no_cases,
    outputs=("losses", "dlogits"),
    mistakes={
        "log p was taken of a p that is rounded to 0, or exp(-z) was infinite; np.logaddexp(0, -z) is -log p without": (
            _slip(minus_log=_log_of_rounded)
        ),
        "a small number under the logarithm, or a limit to p, bounds the loss; np.logaddexp(0, -z) needs none": (
            _slip(minus_log=lambda z: -np.log(0.5 * (1 + np.tanh(z / 2)) + 1e-12))
        ),
        "p was kept away from 0 by np.clip, which bounds the loss; np.logaddexp(0, -z) needs none": (
            _slip(minus_log=lambda z: -np.log(np.clip(0.5 * (1 + np.tanh(z / 2)), 1e-7, 1)))
        ),
        "the loss is right, and the gradient lacks a, alpha or 1 - alpha": (
            lambda logits, targets, alpha, gamma: (
                _losses(logits, targets, alpha, gamma)[0],
                2 * _losses(logits, targets, 0.5, gamma)[1],
            )
        ),
        "the loss is right, and the gradient is that of cross-entropy: the factor and its slope are missing": (
            _slip(slope=lambda p, q, s, gamma: -q)
        ),
        "the loss is right, and in the gradient gamma p s was made with q": (
            _slip(slope=lambda p, q, s, gamma: -(q**gamma) * (gamma * q * s + q))
        ),
        "the factor is q to the power gamma, and not gamma times q": _slip(factor=lambda p, q, gamma: gamma * q),
        "that is in bits; -log p is np.logaddexp(0, -z)": _slip(minus_log=lambda z: np.logaddexp(0, -z) / np.log(2)),
        "s is -log p, log(1 + exp(-z)): the minus is missing in np.logaddexp(0, -z)": (
            _slip(minus_log=lambda z: np.logaddexp(0, z))
        ),
        "z is the logit where the target is yes, and minus the logit where it is no; it is the other way round": (
            _slip(towards=lambda targets: np.where(targets, -1, 1))
        ),
        "the losses were averaged, asked is the loss of each answer": lambda logits, targets, alpha, gamma: (
            _losses(logits, targets, alpha, gamma)[0].mean(),
            _losses(logits, targets, alpha, gamma)[1] / logits.size,
        ),
        "the gradient treats q**gamma as a constant; it changes with z, too: the term gamma p s is missing": _slip(
            slope=lambda p, q, s, gamma: -(q ** (gamma + 1))
        ),
        "the gradient has the slope of q**gamma alone; that of s, which is -q, is missing": _slip(
            slope=lambda p, q, s, gamma: -(q**gamma) * gamma * p * s
        ),
        "dq/dz = -p q was forgotten: gamma q**(gamma - 1) must be multiplied by it": _slip(
            slope=lambda p, q, s, gamma: gamma * np.where(q > 0, q, 1) ** (gamma - 1) * s - q ** (gamma + 1)
        ),
        "dq/dz is -p q: the more p, the less q": _slip(slope=lambda p, q, s, gamma: q**gamma * (gamma * p * s - q)),
        "that is the gradient by z; where the target is no, z = -logit, and the sign turns once more": _slip(
            back=lambda targets: 1
        ),
        "all signs of the gradient are wrong: the loss falls as z grows": _slip(
            slope=lambda p, q, s, gamma: q**gamma * (gamma * p * s + q)
        ),
        "a no has the weight 1 - alpha": _slip(weight=lambda targets, alpha: alpha),
        "the weights are exchanged: alpha is for yes, 1 - alpha for no": _slip(
            weight=lambda targets, alpha: np.where(targets, 1 - alpha, alpha)
        ),
        "alpha is missing: a yes has the weight alpha, a no 1 - alpha": _slip(weight=lambda targets, alpha: 1.0),
        "p is the probability of the truth: where the target is no, z = -logit": _slip(
            towards=lambda targets: np.ones(targets.shape), back=lambda targets: 1
        ),
        "the factor is (1 - p)**gamma, small where the model is right; with p**gamma it is small where it is wrong": (
            _slip(
                factor=lambda p, q, gamma: p**gamma,
                slope=lambda p, q, s, gamma: p**gamma * (gamma * q * s - q),
            )
        ),
        "p and q are exchanged: p is the sigmoid of z, and q = 1 - p that of -z": _slip(
            factor=lambda p, q, gamma: p**gamma, slope=lambda p, q, s, gamma: -(p**gamma) * (gamma * q * s + p)
        ),
        "the losses are right without their factor: multiply by q**gamma": _slip(factor=lambda p, q, gamma: 1.0),
        "the sign of the losses: -log p is at least 0": _slip(factor=lambda p, q, gamma: -(q**gamma)),
    },
)  # fmt: skip
