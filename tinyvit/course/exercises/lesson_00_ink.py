# mypy: disable-error-code="no-untyped-def"
"""Lesson 0, hard and optional: where the ink of an image lies."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 0.2 ---


def centre_of_ink(image):
    return _centre(image)


def _centre(image, *, first=0, swapped=False, divide=True, each=False, over=None):
    H, W = image.shape[-2:]
    rows, columns = np.arange(H)[:, None] + first, np.arange(W) + first
    total = image.sum(axis=over if over else (-2, -1))
    middles = [(image * places).sum(axis=(-2, -1)) / (total if divide else 1.0) for places in (rows, columns)]
    if each:
        middles = [image.argmax(-2).mean(-1), image.argmax(-1).mean(-1)]
    return np.stack(middles[::-1] if swapped else middles, axis=-1)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((5, 7), (2, 4, 6), (1, 28, 28), (3, 2, 5, 3), (1, 1)):
        image = rng.uniform(0, 1, shape) * (rng.uniform(0, 1, shape) > 0.6)
        image[..., 0, 0] += 0.1  # no image is empty
        yield Case((image,))


def _bright(image):
    """The middle of all pixels with ink, as if each had as much."""
    return _centre((image > 0).astype(float))


def _all_together(image):
    ink = image.sum()
    return np.array([(image * places).sum() / ink for places in np.ogrid[: image.shape[-2], : image.shape[-1]]])


def _of_all_ink(image):
    return _centre(image) * image.sum(axis=(-2, -1))[..., None] / image.sum()


def _brightest(image):
    flat = image.reshape(*image.shape[:-2], -1).argmax(-1)
    return np.stack(np.divmod(flat, image.shape[-1]), axis=-1).astype(float)


add(
    "0.2",
    centre_of_ink,
    _cases,
    outputs=("centre",),
    mistakes={
        "row and column have changed places": lambda image: _centre(image, swapped=True),
        "rows and columns are counted from 0": lambda image: _centre(image, first=1),
        "a sum of places weighted by ink is to be divided by the sum of the ink": (
            lambda image: _centre(image, divide=False)
        ),
        "pixels count by how much ink they have, not all alike": _bright,
        "that is the brightest pixel; all pixels count, each by its ink": _brightest,
        "that is the middle of the image, wherever the ink is": lambda image: _centre(np.ones_like(image)),
        "all images were added up; each has a centre of its own: sums over the last two axes": _all_together,
        "the ink of all images was added up; each image has a sum of its own, over the last two axes": _of_all_ink,
        "a sum of places weighted by ink is to be divided by the sum of the ink, and not by the number of pixels": (
            lambda image: _centre(image, divide=False) / (image.shape[-2] * image.shape[-1])
        ),
        "// throws away what comes behind the point; a centre may lie between two pixels": (
            lambda image: _centre(image) // 1
        ),
        "places are counted from 0 at the first pixel, and not from the middle of the image": (
            lambda image: _centre(image) - _centre(np.ones_like(image))
        ),
        "pixel 0 is at place 0, and not at a half": lambda image: _centre(image, first=0.5),
    },
)
