"""Deep grey: one channel of more than 8 bits, from microscopes, X-ray and cameras, made grey of 0 to 255.

A camera of 12 bits stores its numbers in files of 16, and no file says so. So the white level, the number that means
white, is the smallest usual one that holds all numbers: of one image, or of all of a data set, which is better.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

USUAL = (1, 2**8 - 1, 2**10 - 1, 2**12 - 1, 2**14 - 1, 2**16 - 1)  # 1 for floats, and masks
WHITE_LEVEL = "white_level"  # in `Image.info`, where the file says what is white
UNSIGNED = "unsigned"  # in `Image.info`, of whole numbers of 32 bits that Pillow takes for signed ones
WHITE_IS_ZERO = "white_is_zero"  # in `Image.info`, of files in which larger numbers are darker, as some X-ray is
REDUCED = "reduced"  # in `Image.info`, where colours of 16 bits were cut down to 8 as the file was opened


class Depth(NamedTuple):
    """Range of the values of an image in deep grey."""

    largest: float  # finite one; at least 0
    has_negative: bool
    has_nan: bool  # or infinity
    told: float | None  # the white level, where the file says it

    @property
    def white_level(self) -> float:
        """The white level of the image by itself."""
        return self.told or white_level(self.largest)


def is_deep(image: Image.Image) -> bool:
    """Whether an image is grey of more than 8 bits: whole numbers of 16 or 32 bits, or floats."""
    return image.mode.startswith(("I", "F"))


def depth_of(image: Image.Image) -> Depth | None:
    """Range of an image's values; None if it is not deep."""
    if not is_deep(image):
        return None
    values = _values(image)
    finite = np.isfinite(values)
    largest = float(values.max(initial=0, where=finite))
    return Depth(largest, bool((values < 0).any()), not finite.all(), image.info.get(WHITE_LEVEL))


def white_level(largest: float) -> float:
    """The smallest usual white level that holds a number; beyond 16 bits, the number itself."""
    return float(next((top for top in USUAL if largest <= top), largest))


def scaled(image: Image.Image, white: float | None = None) -> np.ndarray:
    """Deep grey as float64 (H, W) in 0..255: 0 is black, and `white` is 255, or the image's own white level.

    What is below or above is clipped, what is no number (NaN) is black, and a file in which 0 is white is inverted.
    """
    if white is None:
        depth = depth_of(image)
        white = depth.white_level if depth else 255.0
    values = np.nan_to_num(_values(image).astype(np.float64), nan=white if image.info.get(WHITE_IS_ZERO) else 0.0)
    grey = values.clip(0.0, white) * (255.0 / white)
    return 255.0 - grey if image.info.get(WHITE_IS_ZERO) else grey


def _values(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    return values.view(np.uint32) if image.info.get(UNSIGNED) else values


def in_words(image: Image.Image, white: float | None = None) -> str:
    """Note on what becomes of an image of more than 8 bits; empty for others."""
    depth = depth_of(image)
    if depth is None:
        return "colours of 16 bits: the upper 8 are used" if image.info.get(REDUCED) else ""
    level = white or depth.white_level
    odd = {"negative numbers": depth.has_negative, "NaN or infinity": depth.has_nan}
    what = "black, as the file says that 0 is white" if image.info.get(WHITE_IS_ZERO) else "white"
    words = [f"deep grey ({image.mode}): {level:,g} is taken as {what}"]
    words += ["larger values, too"] * (depth.largest > level)
    words += [f"{what} in it" for what, holds in odd.items() if holds]
    return ", ".join(words)
