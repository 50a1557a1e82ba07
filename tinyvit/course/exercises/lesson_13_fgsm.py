# mypy: disable-error-code="no-untyped-def"
"""Lesson 13, fooling the model."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 13.5 ---


def fgsm(images, gradient, epsilon):
    return np.clip(images + epsilon * np.sign(gradient), 0, 1)


def _fgsm_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, side, epsilon in ((2, 3, 0.1), (1, 5, 0.3), (int(rng.integers(2, 5)), 4, 0.05)):
        images = np.clip(rng.uniform(-0.5, 1.5, (B, 1, side, side)), 0, 1)  # many are quite black or quite white
        gradient = rng.standard_normal(images.shape)
        gradient[0, 0, 0] = 0.0  # a pixel without a gradient stays
        yield Case((images, gradient, epsilon))


add(
    "13.5",
    fgsm,
    _fgsm_cases,
    outputs=("images",),
    mistakes={
        "take the sign of the gradient only: every pixel moves by epsilon": (
            lambda images, gradient, epsilon: np.clip(images + epsilon * gradient, 0, 1)
        ),
        "that makes the loss smaller; to fool the model, go up the gradient": (
            lambda images, gradient, epsilon: np.clip(images - epsilon * np.sign(gradient), 0, 1)
        ),
        "some pixels are now below 0 or above 1: clip the result": (
            lambda images, gradient, epsilon: images + epsilon * np.sign(gradient)
        ),
        "you divided by the largest gradient; the sign moves every pixel by the same epsilon": (
            lambda images, gradient, epsilon: np.clip(images + epsilon * gradient / np.abs(gradient).max(), 0, 1)
        ),
        "you divided by the length of the gradient; the sign moves every pixel by the same epsilon": (
            lambda images, gradient, epsilon: np.clip(images + epsilon * gradient / np.linalg.norm(gradient), 0, 1)
        ),
        "that is the change alone: add it to the images": lambda images, gradient, epsilon: epsilon * np.sign(gradient),
        "white is 1 here, not 255: clip between 0 and 1": (
            lambda images, gradient, epsilon: np.clip(images + epsilon * np.sign(gradient), 0, 255)
        ),
        "you clipped the change; it is the changed image that must stay between 0 and 1": (
            lambda images, gradient, epsilon: images + np.clip(epsilon * np.sign(gradient), 0, 1)
        ),
        "epsilon is missing: each pixel was moved by 1": (
            lambda images, gradient, epsilon: np.clip(images + np.sign(gradient), 0, 1)
        ),
    },
)
