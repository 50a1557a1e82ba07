# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, the straight path from an image to noise, and the best velocity on it."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 22.1 ---


def noisy(images, noise, times):
    return _mixture(images, noise, times), noise - images


def _mixture(images, noise, times):
    t = _beside(images, times)
    return (1 - t) * images + t * noise


def _beside(images, times):
    """Times (B,) with as many axes as the images."""
    return times.reshape(-1, *(1,) * (images.ndim - 1))


def _noisy_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((4, 2), (3, 1, 5, 5), (1, 3, 4, 2), (3, 3), (2, 3, 2, 7), (5,)):
        images, noise = rng.standard_normal((2, *shape))
        yield Case((images, noise, rng.uniform(0.05, 0.95, shape[0])))


def _curved(images, noise, times):
    t = _beside(images, times)
    return np.sqrt(1 - t) * images + np.sqrt(t) * noise, noise - images


add(
    "22.1",
    noisy,
    _noisy_cases,
    outputs=("x", "velocity"),
    mistakes={
        "the ends are exchanged: at t = 0 stands the image, at t = 1 the noise": (
            lambda images, noise, times: (_mixture(noise, images, times), noise - images)
        ),
        "both are the other way round: t grows from the image, at 0, to the noise, at 1": (
            lambda images, noise, times: (_mixture(noise, images, times), images - noise)
        ),
        "the sign of the velocity: t grows towards the noise, so it points from the image to the noise": (
            lambda images, noise, times: (_mixture(images, noise, times), images - noise)
        ),
        "noise - x is the part of the way that is left, and shrinks; the velocity is the same at all times": (
            lambda images, noise, times: (
                _mixture(images, noise, times),
                noise - _mixture(images, noise, times),
            )
        ),
        "x - images is the part of the way that is behind, t times the whole; no time is in the velocity": (
            lambda images, noise, times: (
                _mixture(images, noise, times),
                _mixture(images, noise, times) - images,
            )
        ),
        "square roots make a curved way; the straight one has 1 - t and t": _curved,
        "the first image's time was taken for all; each image has its own": (
            lambda images, noise, times: (_mixture(images, noise, np.full_like(times, times[0])), noise - images)
        ),
        "times (B,) met the last axis of the images, and counts them: give it axes of length 1 behind": (
            lambda images, noise, times: ((1 - times) * images + times * noise, noise - images)
        ),
    },
)

# --- 22.2 ---


def best_velocity(x, t, data):
    return _best(x, t, data)


def _softmax(scores, axis=1):
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    return weights / weights.sum(axis, keepdims=True)


def _distances(x, t, data):
    """Squared ones, (n, m)."""
    return ((x[:, None] - (1 - t) * data) ** 2).sum(-1)


def _best(x, t, data, *, scores=lambda x, t, data: -_distances(x, t, data) / (2 * t * t), axis=1):
    return (x - _softmax(scores(x, t, data), axis) @ data) / t


def _best_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, m, d, t in ((5, 7, 2, 0.6), (1, 4, 3, 0.9), (6, 6, 6, 0.4), (4, 1, 2, 0.7), (3, 8, 1, 1.0), (4, 5, 3, 0.01)):
        data = rng.standard_normal((m, d))
        x = (1 - t) * data[rng.integers(m, size=n)] + t * rng.standard_normal((n, d))
        yield Case((x + 0.6 * (t < 0.1) * np.arange(n)[:, None], t, data))  # near the data, and far from all


def _unguarded(x, t, data):
    weights = np.exp(-_distances(x, t, data) / (2 * t * t))
    return (x - weights / weights.sum(1, keepdims=True) @ data) / t


add(
    "22.2",
    best_velocity,
    _best_cases,
    outputs=("velocity",),
    mistakes={
        "far from all points each exp is 0, and 0 / 0 is no number: take each row's largest score off": _unguarded,
        "the weights of each data point add up to 1 over the x; each x needs weights that add up to 1 over the data": (
            lambda x, t, data: _best(x, t, data, axis=0)
        ),
        "x was compared with the data themselves; at time t a point has come down to (1 - t) times its place": (
            lambda x, t, data: _best(x, t, data, scores=lambda x, t, data: -_distances(x, 0, data) / (2 * t * t))
        ),
        "the exponent of a normal distribution has a 2 below: -d²/(2 t²)": (
            lambda x, t, data: _best(x, t, data, scores=lambda x, t, data: -_distances(x, t, data) / (t * t))
        ),
        "t is the standard deviation of the noise, and the exponent has its square: -d²/(2 t²)": (
            lambda x, t, data: _best(x, t, data, scores=lambda x, t, data: -_distances(x, t, data) / (2 * t))
        ),
        "the exponent has the squared distance: no root": (
            lambda x, t, data: _best(x, t, data, scores=lambda x, t, data: -np.sqrt(_distances(x, t, data)) / 2 / t**2)
        ),
        "the sign of the exponent: the nearer a point, the larger its weight": (
            lambda x, t, data: _best(x, t, data, scores=lambda x, t, data: _distances(x, t, data) / (2 * t * t))
        ),
        "that is the mean of the data, which is behind x; the velocity is (x - mean) / t": (
            lambda x, t, data: x - t * _best(x, t, data)
        ),
        "the sign: the velocity points from the data to the noise, (x - mean) / t": (
            lambda x, t, data: -_best(x, t, data)
        ),
        "x - mean is the way from the data to x, and took the time t: divide by t": (
            lambda x, t, data: t * _best(x, t, data)
        ),
        "the nearest data point alone was taken; all of them count, each with its weight": (
            lambda x, t, data: (x - data[_distances(x, t, data).argmin(1)]) / t
        ),
        "all data count alike; those near x are more likely to be behind it": (
            lambda x, t, data: (x - data.mean(0)) / t
        ),
    },
)  # fmt: skip
