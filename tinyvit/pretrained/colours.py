"""From any of Pillow's modes to grey or RGB of 8 bits."""

import numpy as np
from PIL import Image

from ..errors import UserError
from .transparency import opaque


def converted(image: Image.Image, mode: str) -> Image.Image:
    """The picture in mode "L" or "RGB", with its transparent parts filled in."""
    try:
        image = opaque(image)
        if image.mode.startswith(("I", "F")):
            image = _eight_bits(image)
        if mode == "L" and image.mode == "LAB":  # which Pillow cannot convert directly
            image = image.convert("RGB")
        return image.convert(mode)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(
            f"a picture in mode {image.mode} could not be read as {mode} ({error}): save it again as PNG or JPEG"
        ) from error


def _eight_bits(image: Image.Image) -> Image.Image:
    """Deep grey scaled into 0..255, mode "L". Of 16 bits the full range is meant; others do not say which range they
    use, so it is the smallest usual one that holds their values.
    """
    values = np.maximum(np.nan_to_num(np.asarray(image).astype(np.float64)), 0.0)
    largest = float(values.max())
    usual = {"I": (255.0, 65535.0), "F": (1.0, 255.0, 65535.0)}.get(image.mode, (65535.0,))
    full = next((top for top in usual if largest <= top), largest)
    return Image.fromarray(np.rint(values * (255.0 / full)).astype(np.uint8))
