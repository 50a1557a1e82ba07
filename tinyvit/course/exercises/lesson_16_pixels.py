# mypy: disable-error-code="no-untyped-def"
"""Lesson 16, from pixels to what the model was fed with."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 16.4 ---


def pixels_to_input(pixels, rescale_factor, mean, std):
    return _input(pixels, rescale_factor, mean, std)


def _input(pixels, rescale_factor, mean, std, *, axes=(2, 0, 1)):
    return ((rescale_factor * pixels - mean) / std).transpose(axes)


def _pixel_cases(rng: np.random.Generator) -> Iterator[Case]:
    for H, W, factor in (
        (2, 4, 1 / 255),
        (5, 2, 1 / 127.5),
        (1, 3, 1 / 255),
        (4, 1, 1 / 100),
        (*rng.integers(4, 8, 2), 1 / 255),
    ):
        pixels = rng.integers(0, 256, (H, W, 3), dtype=np.uint8)
        yield Case((pixels, factor, rng.uniform(0.3, 0.5, 3), rng.uniform(0.2, 0.3, 3)))


add(
    "16.4",
    pixels_to_input,
    _pixel_cases,
    outputs=("x",),
    mistakes={
        "the channels come last still; the model wants them first": (
            lambda pixels, rescale_factor, mean, std: _input(pixels, rescale_factor, mean, std, axes=(0, 1, 2))
        ),
        "`.T` turns round all axes: rows and columns have changed places": (
            lambda pixels, rescale_factor, mean, std: _input(pixels, rescale_factor, mean, std, axes=(2, 1, 0))
        ),
        "reshape leaves the numbers in their old order; transpose moves the axes": (
            lambda pixels, rescale_factor, mean, std: _input(pixels, rescale_factor, mean, std, axes=(0, 1, 2)).reshape(
                3, *pixels.shape[:2]
            )
        ),
        "three numbers meet the last axis: normalise while the channels stand last, and move them then": (
            lambda pixels, rescale_factor, mean, std: (rescale_factor * pixels.transpose(2, 0, 1) - mean) / std
        ),
        "the channels stand last in pixels: mean and std meet them without new axes": (
            lambda pixels, rescale_factor, mean, std: _input(
                pixels, rescale_factor, mean[:, None, None], std[:, None, None]
            )
        ),
        "the pixels were not rescaled": lambda pixels, rescale_factor, mean, std: _input(pixels, 1.0, mean, std),
        "mean and std belong to the rescaled pixels: multiply by rescale_factor first": (
            lambda pixels, rescale_factor, mean, std: rescale_factor * _input(pixels, 1.0, mean, std)
        ),
        "the pixels were divided by rescale_factor; multiply": (
            lambda pixels, rescale_factor, mean, std: _input(pixels, 1 / rescale_factor, mean, std)
        ),
        "they were rescaled twice: rescale_factor is what makes 0..1 of 0..255": (
            lambda pixels, rescale_factor, mean, std: _input(pixels / 255, rescale_factor, mean, std)
        ),
        "rescale_factor is given: it is not always 1/255": (
            lambda pixels, rescale_factor, mean, std: _input(pixels, 1 / 255, mean, std)
        ),
        "the division by std is missing": lambda pixels, rescale_factor, mean, std: _input(
            pixels, rescale_factor, mean, np.ones(3)
        ),
        "the mean was not subtracted": lambda pixels, rescale_factor, mean, std: _input(
            pixels, rescale_factor, np.zeros(3), std
        ),
        "you multiplied by std; divide": lambda pixels, rescale_factor, mean, std: _input(
            pixels, rescale_factor, mean, 1 / std
        ),
        "the difference is divided by std, and not the mean alone: brackets": (
            lambda pixels, rescale_factor, mean, std: _input(pixels, rescale_factor, mean / std, np.ones(3))
        ),
    },
    not_to_call=("pretrained/", "datasets/"),
)
