"""Colour conversion: any of Pillow's modes to grey or RGB of 8 bits."""

import numpy as np
from PIL import Image

from ..errors import UserError
from .deep_grey import is_deep, scaled
from .transparency import opaque

GREY_MODES = {"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"}  # Pillow's, of images without colours


def converted(image: Image.Image, mode: str, white_level: float | None = None) -> Image.Image:
    """The image in mode "L" or "RGB", with its transparent parts filled in; or in "LA" or "RGBA", as it is.

    Args:
        white_level: which number means white in deep grey; None: see `deep_grey`.

    Raises:
        UserError: Pillow cannot convert the image.
    """
    try:
        if is_deep(image):
            image = Image.fromarray(np.rint(scaled(image, white_level)).astype(np.uint8))
        if image.mode == "LAB" and mode != "RGB":  # which Pillow cannot convert directly
            image = image.convert("RGB")
        if mode in ("LA", "RGBA"):  # a model that sees transparency
            return image.convert("RGBA").convert(mode)
        return opaque(image).convert(mode)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(
            f"an image in mode {image.mode} could not be read as {mode} ({error}): save it again as PNG or JPEG"
        ) from error
