"""Random boxes in an image: one that fits inside it, and one that its border may cut."""

import math
from typing import NamedTuple

import numpy as np

from ..errors import UserError

TRIES = 10


class Box(NamedTuple):
    """The rows top..bottom-1 and the columns left..right-1."""

    top: int
    left: int
    bottom: int
    right: int


def box_inside(
    height: int,
    width: int,
    rng: np.random.Generator,
    *,
    area: tuple[float, float],
    ratio: tuple[float, float],
) -> Box | None:
    """A box somewhere inside an image, or None if ten that were drawn are larger than it or have no pixel.

    The area is uniform. The ratio is uniform in its logarithm, so that twice as wide is as likely as twice as high:

        width * height = a,  width / height = r   =>   width = √(a r),  height = √(a / r)

    Args:
        height, width: of the image.
        area: least and largest share of the image's area.
        ratio: least and largest width / height of the box.

    Raises:
        UserError: an area or a ratio is out of its range.

    Source: Szegedy et al. 2015, arXiv:1409.4842, section 6.
    """
    if not 0 < area[0] <= area[1] <= 1:
        raise UserError(f"a box's share of the image must lie above 0 and up to 1, got {area}: give (least, largest)")
    if not 0 < ratio[0] <= ratio[1] < math.inf:
        raise UserError(
            f"a box's width / height must lie above 0, got {ratio}: give (least, largest), such as (0.5, 2)"
        )
    for _ in range(TRIES):
        a = height * width * rng.uniform(*area)
        r = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(a * r)), round(math.sqrt(a / r))
        if 0 < w <= width and 0 < h <= height:
            top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            return Box(top, left, top + h, left + w)
    return None


def box_around(height: int, width: int, rng: np.random.Generator, *, area: float) -> Box:
    """A box of the image's proportions around any of its pixels; what would stick out is cut off.

    Args:
        area: the share of the image's area before anything is cut off, 0..1.

    Source: Yun et al. 2019, arXiv:1905.04899, section 3.1.
    """
    h, w = round(height * math.sqrt(area)), round(width * math.sqrt(area))
    top, left = int(rng.integers(height)) - h // 2, int(rng.integers(width)) - w // 2
    return Box(max(top, 0), max(left, 0), min(top + h, height), min(left + w, width))
