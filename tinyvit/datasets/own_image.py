"""From a picture somebody took or drew to what a model takes that has only seen its own dataset.

A model trained on MNIST knows light digits on black, 20 pixels high, centred by mass. A photograph of ink on paper is
none of that, so `prepare_digit` does to it what MNIST's makers did to theirs, and says what it did.
"""

import os

import numpy as np
from PIL import Image

from ..errors import UserError
from ..pretrained.deep_grey import is_deep, scaled
from ..pretrained.transparency import opaque
from .ink import LEAST_CONTRAST, border_mask, find_ink
from .pictures import open_picture

DARK = 64  # the border of a picture that is light on dark already is darker than this
WORKING_SIZE = 400  # pixels of the longer side at which ink is looked for


def read_image(path: str | os.PathLike[str]) -> Image.Image:
    """Open a picture file as `open_picture` does, with its transparent parts filled in.

    Raises:
        UserError: the file is missing, not a picture, damaged, or unreasonably large.
    """
    return _opaque(open_picture(path))


def prepare_digit(image: Image.Image, *, size: tuple[int, int] = (28, 28)) -> tuple[np.ndarray, str]:
    """Make a picture of one digit look like those of MNIST: light on black, fitted into 20 x 20, centred by mass.

    Args:
        image: any size and mode.
        size: height and width of the result; the 20 of 28 pixels grow with it.

    Returns:
        The digit, uint8 (1, height, width), and what was done to it in plain words.

    Raises:
        UserError: there is no ink in the picture.
    """
    grey = _grey(image)  # (H, W), 0..255
    if grey.shape == size and np.median(grey[border_mask(*size)]) < DARK and np.ptp(grey) >= LEAST_CONTRAST:
        return np.rint(grey).astype(np.uint8)[None], "taken as it is"

    longest = max(grey.shape)
    if longest > WORKING_SIZE:
        height, width = (max(1, round(side * WORKING_SIZE / longest)) for side in grey.shape)
        grey = _resized(grey, height, width)
    ink = find_ink(grey)
    if ink is None:
        raise UserError(
            "no digit can be seen in the picture: use one digit, dark on light or light on dark, "
            "that fills a good part of it"
        )
    done = "dark ink on a light background: inverted" if ink.is_dark else "light ink on a dark background"
    if ink.was_thin:
        done += "; thin strokes thickened"
    return _centred(ink.digit, size)[None], f"{done}; cropped to the ink and centred by mass as MNIST is"


def prepare_picture(image: Image.Image, *, size: tuple[int, int], channels: int) -> tuple[np.ndarray, str]:
    """Fit a picture into `size`, keeping its proportions, on a ground of its own background colour.

    With one channel a light background is inverted: grey datasets such as Fashion-MNIST are light on dark.

    Args:
        image: any size and mode.
        size: height and width of the result.
        channels: C, 1 for grey or 3 for RGB.

    Returns:
        The picture, uint8 (C, height, width), and what was done to it in plain words.

    Raises:
        UserError: `channels` is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise UserError(f"a picture has 1 channel (grey) or 3 (RGB), got channels={channels}")
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
        fitted[:, top : top + height, left : left + width] = [_resized(plane, height, width) for plane in planes]
        planes = fitted
        done.append(f"resized to {height} x {width}" + (" and padded" if (height, width) != size else ""))
    return np.rint(planes).astype(np.uint8), "; ".join(done) or "taken as it is"


def _opaque(image: Image.Image) -> Image.Image:
    """The picture without transparency, in a mode that `_grey` and RGB conversion understand."""
    if is_deep(image):
        return image
    image = opaque(image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _grey(image: Image.Image) -> np.ndarray:
    """Brightness, float32 (H, W) in 0..255."""
    grey = scaled(image) if is_deep(image) else np.asarray(image.convert("L"))
    return grey.astype(np.float32)


def _resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W) to (height, width), antialiased, kept within 0..255."""
    resized = Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized), 0.0, 255.0)


def _centred(digit: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A cropped digit, 0..1, scaled into 20 of 28 pixels and laid with its centre of mass in the middle of `size`."""
    scale = min(side * 20 / 28 / length for side, length in zip(size, digit.shape, strict=True))
    height, width = (max(1, round(length * scale)) for length in digit.shape)
    digit = _resized(255.0 * digit, height, width)
    digit *= 255.0 / digit.max()
    canvas = np.zeros(size)
    mass = digit.sum()
    y, x = digit.sum(axis=1) @ np.arange(height) / mass, digit.sum(axis=0) @ np.arange(width) / mass
    # MNIST's centres of mass lie at pixel 14 of 0..27, not at 13.5.
    top = int(np.clip(round(size[0] / 2 - y), 0, size[0] - height))
    left = int(np.clip(round(size[1] / 2 - x), 0, size[1] - width))
    canvas[top : top + height, left : left + width] = digit
    return np.rint(canvas).astype(np.uint8)
