"""Data augmentation of Pillow images for fine-tuning: random crops, flips, RandAugment.

A handful of photographs is not much to learn from, but a cat is still one when it is a little nearer, mirrored, tilted
or in another light. Each image has a generator of its own, so what happens to it does not depend on its neighbours.
Crop first: all the rest is then done to few pixels.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from ..errors import UserError
from .boxes import box_inside
from .processor import MODES

Resample = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
FULL_STRENGTH = 10
FILL = "grey"  # what comes in at the edge: 128 of 255, about 0 once images are normalised


def random_resized_crop(
    image: Image.Image,
    rng: np.random.Generator,
    *,
    size: tuple[int, int],
    scale: tuple[float, float] = (0.5, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    resample: Resample = "bilinear",
) -> Image.Image:
    """A part of the image, of random size, proportions and place, resized to `size`.

    If no part is found in ten tries, as in a very long image, it is the largest part in the middle whose proportions
    are allowed.

    Args:
        image: RGB or L, or with transparency as a channel, RGBA or LA.
        rng: this image's own generator.
        size: (height, width) of the result.
        scale: least and largest share of the image's area.
        ratio: least and largest width / height of the part.
        resample: the name of Pillow's filter.

    Returns:
        A new image of the same mode.

    Raises:
        UserError: the image has another mode or no pixels, or an option is out of its range.

    Source: Szegedy et al. 2015, arXiv:1409.4842, section 6.
    """
    width, height = _checked(image).size
    if min(size) < 1:
        raise UserError(f"size must be (height, width) of at least 1 pixel each, got {size}: choose a larger one")
    if resample.upper() not in Image.Resampling.__members__:
        raise UserError(f"resample must be the name of one of Pillow's filters, got {resample!r}: use 'bilinear'")
    box = box_inside(height, width, rng, area=scale, ratio=ratio)
    if box:
        corners = box.left, box.top, box.right, box.bottom
    else:
        w = max(1, min(width, round(height * ratio[1])))
        h = max(1, min(height, round(width / ratio[0])))
        left, top = (width - w) // 2, (height - h) // 2
        corners = left, top, left + w, top + h
    return image.crop(corners).resize((size[1], size[0]), Image.Resampling[resample.upper()])


def random_flip(image: Image.Image, rng: np.random.Generator, *, probability: float = 0.5) -> Image.Image:
    """The image itself, or as a new one its mirror image: left and right exchanged.

    Args:
        image: RGB or L, or with transparency as a channel, RGBA or LA.
        rng: this image's own generator.
        probability: how often it is mirrored, 0..1.

    Raises:
        UserError: the image has another mode or no pixels, or the probability is none.
    """
    _checked(image)
    if not 0 <= probability <= 1:
        raise UserError(f"the probability of a flip must lie in 0..1, got {probability}: choose one, such as 0.5")
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < probability else image


def rand_augment(image: Image.Image, rng: np.random.Generator, *, strength: int, operations: int = 2) -> Image.Image:
    """Some operations out of `OPERATIONS`, drawn at random, one after the other.

    Two numbers are all there is to tune: how many, and how strong. Which way (turned left or right, made brighter or
    darker) is drawn too.

    Args:
        image: RGB or L.
        rng: this image's own generator.
        strength: 0..10; 0 leaves every pixel as it is.
        operations: how many; the same one may be drawn again.

    Returns:
        An image of the same size and mode.

    Raises:
        UserError: the image has another mode or no pixels, the strength is out of its range, or `operations` is
            negative.

    Source: Cubuk et al. 2019, arXiv:1909.13719.
    """
    if image.mode in ("RGBA", "LA"):
        raise UserError(f"images of mode {image.mode} are varied by crop and flip alone: leave out --rand-augment")
    _checked(image)
    if not 0 <= strength <= FULL_STRENGTH:
        raise UserError(f"the strength must lie in 0..{FULL_STRENGTH}, got {strength}: choose another, such as 5")
    if operations < 0:
        raise UserError(f"the number of operations must be 0 or more, got {operations}: choose another, such as 2")
    names = list(OPERATIONS)
    for index in rng.integers(len(names), size=operations):
        amount, operation = OPERATIONS[names[index]]
        sign = 1.0 if rng.random() < 0.5 else -1.0
        image = operation(image, amount(sign * strength / FULL_STRENGTH))
    return image


def _mapped(
    image: Image.Image, *, slope_x: float = 0.0, slope_y: float = 0.0, share_x: float = 0.0, share_y: float = 0.0
) -> Image.Image:
    """Sheared about the centre and moved: seen from there, pixel (x, y) of the result is what was at

    (x + slope_x y + share_x width, y + slope_y x + share_y height).
    """
    offset_x = share_x * image.width - slope_x * image.height / 2
    offset_y = share_y * image.height - slope_y * image.width / 2
    inverse = (1.0, slope_x, offset_x, slope_y, 1.0, offset_y)
    return image.transform(image.size, Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR, fillcolor=FILL)


def _rotated(image: Image.Image, degrees: float) -> Image.Image:
    return image.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=FILL)


def _enhanced(kind: Callable[[Image.Image], Any]) -> Callable[[Image.Image, float], Image.Image]:
    return lambda image, factor: kind(image).enhance(factor)


def _mixed_with(change: Callable[[Image.Image], Image.Image]) -> Callable[[Image.Image, float], Image.Image]:
    """A change that knows no amount becomes one that does: a share of the changed image over the old one."""
    return lambda image, share: Image.blend(image, change(image), share)


# What becomes of a signed share of the full strength, -1..1, and what is done with it. The limits are AutoAugment's
# (Cubuk et al. 2018, arXiv:1805.09501), with two exceptions that make no strength change nothing and little change
# little: solarize ends where an image can still be recognised, and autocontrast and equalize, which have no amount
# there, are mixed in.
OPERATIONS: dict[str, tuple[Callable[[float], Any], Callable[[Image.Image, Any], Image.Image]]] = {
    "identity": (lambda s: None, lambda image, _: image),
    "rotate": (lambda s: 30.0 * s, _rotated),  # degrees
    "shear_x": (lambda s: 0.3 * s, lambda image, slope: _mapped(image, slope_x=slope)),
    "shear_y": (lambda s: 0.3 * s, lambda image, slope: _mapped(image, slope_y=slope)),
    "translate_x": (lambda s: 0.45 * s, lambda image, share: _mapped(image, share_x=share)),  # of the width
    "translate_y": (lambda s: 0.45 * s, lambda image, share: _mapped(image, share_y=share)),  # of the height
    "brightness": (lambda s: 1.0 + 0.9 * s, _enhanced(ImageEnhance.Brightness)),
    "colour": (lambda s: 1.0 + 0.9 * s, _enhanced(ImageEnhance.Color)),
    "contrast": (lambda s: 1.0 + 0.9 * s, _enhanced(ImageEnhance.Contrast)),
    "sharpness": (lambda s: 1.0 + 0.9 * s, _enhanced(ImageEnhance.Sharpness)),
    "posterize": (lambda s: 8 - round(4 * abs(s)), ImageOps.posterize),  # bits that are kept
    "solarize": (lambda s: 256 - 128 * abs(s), ImageOps.solarize),  # what is as bright is inverted
    "autocontrast": (abs, _mixed_with(ImageOps.autocontrast)),
    "equalize": (abs, _mixed_with(ImageOps.equalize)),
}


def _checked(image: Image.Image) -> Image.Image:
    if image.mode not in MODES.values():
        modes = ", ".join(MODES.values())
        raise UserError(f"an image to be varied must be in one of the modes {modes}, got {image.mode}: convert it")
    if 0 in image.size:
        raise UserError(f"an image to be varied has no pixels ({image.height} x {image.width}): use another one")
    return image
