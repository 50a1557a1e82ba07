# mypy: disable-error-code="no-untyped-def"
"""Lesson 0, start here: an exercise to get to know the checks."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def invert_and_scale(image):
    return (255 - image.astype(np.float64)) / 255


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 4), (1, 28, 28), (9,), (2, 1, 3, 5), tuple(rng.integers(2, 7, 2))):
        yield Case((rng.integers(0, 256, shape).astype(np.uint8),))


add(
    "0.1",
    invert_and_scale,
    _cases,
    outputs=("inverted",),
    mistakes={
        "brackets: without them / comes before -, and only the image is divided": lambda image: 255 - image / 255,
        "uint8 has no negative numbers: -200 wraps round to 56. Divide first, and take that from 1": (
            lambda image: -image / 255 + 1
        ),
        "the image was scaled but not inverted: white must become 0 and black 1": lambda image: image / 255,
        "the image was inverted but not scaled: divide by 255": lambda image: 255.0 - image,
        "it was divided by 256: the largest pixel is 255, and must become 1": lambda image: (255 - image) / 256,
        "1 - pixel comes before the scaling here: scale first, or take the pixel from 255": (
            lambda image: (1.0 - image) / 255
        ),
        "in uint8, 1 - 200 is not -199: it wraps round to 57. Take the pixel from 255, or scale first": (
            lambda image: (1 - image) / 255
        ),
        "in uint8, 1 - 200 is not -199: it wraps round to 57. Divide by 255 first, and take that from 1": (
            lambda image: 1 - image
        ),
        "uint8 has no negative numbers: -200 wraps round to 56. Take the pixel from 255 instead": (
            lambda image: -image / 255
        ),
        "// throws away what comes behind the point; divide with /": lambda image: (255 - image) // 255,
        "white is 255 in every image, even if no pixel of this one is as bright: divide by 255": (
            lambda image: (image.max() - image) / image.max()
        ),
        "divide by 255, the range that pixels may have, and not by the range of this image": (
            lambda image: (255 - image) / (image.max() - image.min())
        ),
        "it was divided by 255 twice": lambda image: (255 - image) / 255**2,
    },
)
