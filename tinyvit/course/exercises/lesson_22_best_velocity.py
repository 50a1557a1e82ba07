# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, the best velocity on the straight path."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 22.2 ---


def best_velocity(x, t, data):
    return _best(x, t, data)


def _softmax(scores, axis=1):
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)


def _distances(x, t, data):
    """Squared ones, (n, m)."""
    return ((x[:, None] - (1 - t) * data) ** 2).sum(-1)


def _scores(x, t, data):
    return -_distances(x, t, data) / (2 * t * t)


def _best(x, t, data, *, scores=_scores, softmax=_softmax, end=lambda x, t, mean: (x - mean) / t):
    return end(x, t, softmax(scores(x, t, data)) @ data)


def _other(**options):
    return lambda x, t, data: _best(x, t, data, **options)


def _axes_lost(scores):
    weights = np.exp(scores - scores.max(1))
    return weights / weights.sum(1)


def _best_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, m, d, t in ((5, 7, 2, 0.6), (1, 4, 3, 0.9), (6, 6, 6, 0.4), (4, 1, 2, 0.7), (3, 8, 1, 1.0), (4, 5, 3, 0.01)):
        data = rng.standard_normal((m, d))
        x = (1 - t) * data[rng.integers(m, size=n)] + t * rng.standard_normal((n, d))
        yield Case((x + 0.6 * (t < 0.1) * np.arange(n)[:, None], t, data))  # near the data, and far from all


def _unguarded(scores, small=0.0):
    weights = np.exp(scores)
    return weights / (weights.sum(1, keepdims=True) + small)


add(
    "22.2",
    best_velocity,
    _best_cases,
    outputs=("velocity",),
    mistakes={
        "far from all points each exp is 0, and 0 / 0 is no number: take each row's largest score off": (
            _other(softmax=_unguarded)
        ),
        "far from all points each exp is 0, and the mean with it: take each row's largest score off": (
            _other(softmax=lambda scores: _unguarded(scores, 1e-12))
        ),
        "the weights of each data point add up to 1 over the x; each x needs weights that add up to 1 over the data": (
            _other(softmax=lambda scores: _softmax(scores, 0))
        ),
        "the weights of all x together add up to 1; each x needs weights that add up to 1 over the data": (
            _other(softmax=lambda scores: _softmax(scores) / len(scores))
        ),
        "the weights do not add up to 1: divide by their sum over the data": (
            _other(softmax=lambda scores: np.exp(scores - scores.max(1, keepdims=True)))
        ),
        "a max or a sum over axis 1 loses that axis, and meets the wrong one: keepdims=True": (
            _other(softmax=_axes_lost)
        ),
        "x was compared with the data themselves; at time t a point has come down to (1 - t) times its place": (
            _other(scores=lambda x, t, data: -_distances(x, 0, data) / (2 * t * t))
        ),
        "x was compared with t times the data; at time t a point has come down to (1 - t) times its place": (
            _other(scores=lambda x, t, data: -_distances(x, 1 - t, data) / (2 * t * t))
        ),
        "x was multiplied with the data, as in attention; here the scores are squared distances": (
            _other(scores=lambda x, t, data: x @ ((1 - t) * data).T / t**2)
        ),
        "the exponent of a normal distribution has a 2 below: -d²/(2 t²)": (
            _other(scores=lambda x, t, data: -_distances(x, t, data) / (t * t))
        ),
        "t is the standard deviation of the noise, and the exponent has its square: -d²/(2 t²)": (
            _other(scores=lambda x, t, data: -_distances(x, t, data) / (2 * t))
        ),
        "/ 2 * t**2 divides by 2 and multiplies by t**2: brackets around 2 * t**2": (
            _other(scores=lambda x, t, data: -_distances(x, t, data) / 2 * t**2)
        ),
        "the squares were averaged over the last axis; a squared distance is their sum": (
            _other(scores=lambda x, t, data: _scores(x, t, data) / x.shape[1])
        ),
        "the exponent has the squared distance: no root": (
            _other(scores=lambda x, t, data: -np.sqrt(_distances(x, t, data)) / 2 / t**2)
        ),
        "the sign of the exponent: the nearer a point, the larger its weight": (
            _other(scores=lambda x, t, data: -_scores(x, t, data))
        ),
        "that is the mean of the data, which is behind x; the velocity is (x - mean) / t": (
            _other(end=lambda x, t, mean: mean)
        ),
        "that is the noise, (x - (1 - t) mean) / t; the velocity is noise - mean": (
            _other(end=lambda x, t, mean: (x - (1 - t) * mean) / t)
        ),
        "the sign: the velocity points from the data to the noise, (x - mean) / t": (
            _other(end=lambda x, t, mean: (mean - x) / t)
        ),
        "x - mean is the way from the data to x, and took the time t: divide by t": (
            _other(end=lambda x, t, mean: x - mean)
        ),
        "x - mean is the way from the data to x, and took the time t, not 1 - t": (
            _other(end=lambda x, t, mean: (x - mean) / (1 - t))
        ),
        "the nearest data point alone was taken; all of them count, each with its weight": (
            lambda x, t, data: (x - data[_distances(x, t, data).argmin(1)]) / t
        ),
        "all data count alike; those near x are more likely to be behind it": (
            lambda x, t, data: (x - data.mean(0)) / t
        ),
    },
)  # fmt: skip
