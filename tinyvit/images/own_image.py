"""Preprocess a photo or drawing of a digit to look like MNIST.

A model trained on MNIST knows light digits on black, 20 pixels high, centred by mass. A photograph of ink on paper is
none of that, so `prepare_digit` does to it what MNIST's makers did to theirs, and says what it did.
"""

import os

import numpy as np
from PIL import Image

from ..errors import UserError
from .deep_grey import is_deep, scaled
from .digits import MIN_EXTENT, Digit, Found, find_digits, resized
from .open import open_image
from .transparency import opaque

DARK = 64  # the border of an image that is light on dark already is darker than this
BRIGHT = 192  # and its ink is brighter than this


def read_image(path: str | os.PathLike[str]) -> Image.Image:
    """Open an image file as `open_image` does, with its transparent parts filled in.

    Raises:
        UserError: the file is missing, not an image, damaged, or unreasonably large.
    """
    return _opaque(open_image(path))


def prepare_digit(image: Image.Image, *, size: tuple[int, int] = (28, 28)) -> tuple[np.ndarray, str]:
    """Make an image of one digit look like those of MNIST: light on black, fitted into 20 x 20, centred by mass.

    Where more than one digit is in the image, the largest is taken, and it is said.

    Args:
        image: any size and mode.
        size: height and width of the result; the 20 of 28 pixels grow with it.

    Returns:
        The digit, uint8 (1, height, width), and what was done to it in plain words.

    Raises:
        UserError: no digit can be seen in the image.
    """
    return largest_of(digits_in(image, size=size))


def digits_in(image: Image.Image, *, size: tuple[int, int] = (28, 28)) -> Found:
    """All digits in an image, left to right and line by line, each as `prepare_digit` makes it.

    Args:
        image: any size and mode.
        size: height and width of each digit's image.

    Raises:
        UserError: no digit can be seen in the image.
    """
    planes = planes_of(image)  # (C, H, W)
    if _is_like_mnist(planes, size):
        return Found([Digit(planes, (0, 0, *size))], "taken as it is", {})
    found = find_digits(planes, size)
    if not found.digits:
        raise UserError(
            "no digit can be seen in the image: use digits that are dark on light or light on dark, apart from each "
            f"other and from all else, and as high as {100 * MIN_EXTENT:.0f} % of its longer side at least"
        )
    return found


def largest_of(found: Found) -> tuple[np.ndarray, str]:
    """The largest digit, uint8 (1, h, w), and what was done to it in plain words."""
    largest = max(found.digits, key=lambda digit: digit.box[2] - digit.box[0])
    if len(found.digits) == 1:
        return largest.image, found.done
    return largest.image, f"{found.done}; there are {len(found.digits)} digits in the image, this is the largest"


def prepare_image(image: Image.Image, *, size: tuple[int, int], channels: int) -> tuple[np.ndarray, str]:
    """Fit an image into `size`, keeping its proportions, on a ground of its own background colour.

    With one channel a light background is inverted: grey datasets such as Fashion-MNIST are light on dark.

    Args:
        image: any size and mode.
        size: height and width of the result.
        channels: C, 1 for grey or 3 for RGB.

    Returns:
        The image, uint8 (C, height, width), and what was done to it in plain words.

    Raises:
        UserError: `channels` is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise UserError(f"an image has 1 channel (grey) or 3 (RGB), got channels={channels}")
    image = _opaque(image)
    if channels == 1 or is_deep(image):
        planes = np.repeat(_grey(image)[None], channels, axis=0)  # (C, H, W)
    else:
        planes = np.asarray(image.convert("RGB"), dtype=np.float32).transpose(2, 0, 1)
    done = []
    border = planes[:, border_mask(*planes.shape[1:])]  # (C, pixels of the border)
    if channels == 1 and np.median(border) > 127.5:
        planes, border = 255.0 - planes, 255.0 - border
        done.append("light background: inverted")
    if planes.shape[1:] != size:
        scale = min(size[0] / planes.shape[1], size[1] / planes.shape[2])
        height, width = (max(1, round(side * scale)) for side in planes.shape[1:])
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        ground = np.median(border, axis=1)[:, None, None]
        fitted = np.broadcast_to(ground, (channels, *size)).copy()
        fitted[:, top : top + height, left : left + width] = [resized(plane, height, width) for plane in planes]
        planes = fitted
        done.append(f"resized to {height} x {width}" + (" and padded" if (height, width) != size else ""))
    return np.rint(planes).astype(np.uint8), "; ".join(done) or "taken as it is"


def _opaque(image: Image.Image) -> Image.Image:
    """The image without transparency, in a mode that `_grey` and RGB conversion understand."""
    if is_deep(image):
        return image
    image = opaque(image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _grey(image: Image.Image) -> np.ndarray:
    """Brightness, float32 (H, W) in 0..255."""
    grey = scaled(image) if is_deep(image) else np.asarray(image.convert("L"))
    return grey.astype(np.float32)


def planes_of(image: Image.Image) -> np.ndarray:
    """The pixels of an image, its transparent parts filled in: uint8 (1, H, W) if it is grey, else (3, H, W)."""
    image = _opaque(image)
    if is_deep(image) or image.mode in ("1", "L"):
        return np.rint(_grey(image)).astype(np.uint8)[None]
    planes = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    return planes[:1] if (planes == planes[:1]).all() else planes


def _is_like_mnist(planes: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether an image (C, H, W) is made as MNIST's are, all 70,000 of them: light on black, 20 of 28 pixels long, and
    with its mass in the middle.
    """
    if planes.shape != (1, *size):
        return False
    grey = planes[0].astype(np.float64)
    if np.median(grey[border_mask(*size)]) >= DARK or grey.max() < BRIGHT:
        return False
    axes = [grey.sum(axis=1 - axis) for axis in (0, 1)]  # the mass of each row and of each column
    middles = [mass @ np.arange(len(mass)) / mass.sum() - side / 2 for mass, side in zip(axes, size, strict=True)]
    lengths = [np.ptp(np.flatnonzero(mass)) + 1 for mass in axes]
    shares = [length / side * 28 for length, side in zip(lengths, size, strict=True)]
    return bool(max(map(abs, middles)) <= 0.75 and 18.5 <= max(shares) <= 20.5)


def border_mask(height: int, width: int) -> np.ndarray:
    """Mask of the border's pixels, a twentieth of the shorter side wide: bool (height, width)."""
    depth = max(1, min(height, width) // 20)
    border = np.ones((height, width), dtype=bool)
    border[depth:-depth, depth:-depth] = False
    return border
