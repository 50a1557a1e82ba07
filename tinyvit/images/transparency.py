"""Transparent images made opaque: models see colours alone, and pixels that cannot be seen hold anything."""

import numpy as np
from PIL import Image

from .deep_grey import is_deep

WITH_ALPHA = ("RGBA", "RGBa", "LA", "PA")
HALF = 127  # less opaque, or darker


def is_transparent(image: Image.Image) -> bool:
    """Whether some of an image can be seen through."""
    if is_deep(image) or (image.mode not in WITH_ALPHA and "transparency" not in image.info):
        return False
    return bool(np.asarray(image.convert("RGBA").getchannel("A")).min(initial=255) < 255)


def opaque(image: Image.Image) -> Image.Image:
    """A transparent image laid over white, or over black if all that is seen of it is light; others as they are."""
    if not is_transparent(image):
        return image
    image = image.convert("RGBA")
    grey, alpha = np.moveaxis(np.asarray(image.convert("LA")), -1, 0)
    visible = grey[alpha > HALF]
    ground = "black" if visible.size and visible.min() > HALF else "white"
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image).convert("RGB")


def shows_nothing(image: Image.Image) -> bool:
    """Whether an image is transparent, and of one colour once it is `opaque`."""
    if not is_transparent(image):
        return False
    pixels = np.asarray(opaque(image))
    return bool((pixels == pixels[0, 0]).all())
