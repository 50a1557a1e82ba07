"""Patterns: the same shape again and again, as in a bar code, a fence or a wall, is not written by hand."""

from collections.abc import Sequence

import numpy as np

from .order import Digit

ALIKE = 0.95  # cosine of the angle between two images
AS_HIGH = 1.06  # height over that of the lower one; a hand writes no four digits that are so equal in both
TWINS = 3  # more such shapes in the image make a pattern


def is_repeated(digits: Sequence[Digit]) -> np.ndarray:
    """Mask of the shapes, of n, that are there again at least `TWINS` times: bool (n,)."""
    images = np.stack([digit.image for digit in digits]).astype(np.float32).reshape(len(digits), -1)
    images /= np.maximum(np.linalg.norm(images, axis=1, keepdims=True), 1.0)
    heights = np.log([digit.box[2] - digit.box[0] for digit in digits])
    are_alike = (images @ images.T > ALIKE) & (np.abs(heights[:, None] - heights) <= np.log(AS_HIGH))
    return np.asarray(are_alike.sum(axis=1) > TWINS)  # each is like itself, too
