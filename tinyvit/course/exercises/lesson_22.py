# mypy: disable-error-code="no-untyped-def"
"""Lesson 22, the straight path from an image to noise."""

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


def _right_x(velocity):
    """The right point, with another velocity."""
    return lambda images, noise, times: (
        _mixture(images, noise, times),
        velocity(images, noise, _beside(images, times)),
    )


def _right_velocity(x):
    return lambda images, noise, times: (x(images, noise, _beside(images, times)), noise - images)


def _one_round(images, noise, times):
    x = np.zeros_like(images)
    x[:1] = _mixture(images, noise, times)[:1]
    return x, noise - images


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
        "the velocity is the whole way, noise - image; it was divided by t once more": (
            _right_x(lambda images, noise, t: (noise - images) / t)
        ),
        "the image fades as noise comes: its part is 1 - t, and not the whole": (
            _right_velocity(lambda images, noise, t: images + t * noise)
        ),
        "the image fades as noise comes, 1 - t, and the velocity has -image in it": lambda images, noise, times: (
            images + _beside(images, times) * noise,
            noise,
        ),
        "the image's part is 1 - t, and not t - 1": _right_velocity(
            lambda images, noise, t: (t - 1) * images + t * noise
        ),
        "the noise has the part t, and no root of it": (
            _right_velocity(lambda images, noise, t: (1 - t) * images + np.sqrt(t) * noise)
        ),
        "the mean of the times was taken; each image has its own": lambda images, noise, times: (
            _mixture(images, noise, np.full_like(times, times.mean())),
            noise - images,
        ),
        "times have two axes, whatever the images have; they need as many as the images: images.ndim": (
            lambda images, noise, times: (
                (1 - times[:, None]) * images + times[:, None] * noise,
                noise - images,
            )
        ),
        "times have four axes, whatever the images have; they need as many as the images: images.ndim": (
            lambda images, noise, times: (
                (1 - times[:, None, None, None]) * images + times[:, None, None, None] * noise,
                noise - images,
            )
        ),
        "only the first image is there: does the return stand inside the loop?": _one_round,
        "the first image's time was taken for all; each image has its own": (
            lambda images, noise, times: (_mixture(images, noise, np.full_like(times, times[0])), noise - images)
        ),
        "times (B,) met the last axis of the images, and counts them: give it axes of length 1 behind": (
            lambda images, noise, times: ((1 - times) * images + times * noise, noise - images)
        ),
    },
)
