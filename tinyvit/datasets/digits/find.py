"""All digits in a picture: water finds the ink, pieces of it become digits, digits are read line by line."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from .choose import strength, strokes_of_digits
from .lines import without_lines
from .normalise import as_mnist
from .order import Digit, in_reading_order
from .pieces import Piece, find_pieces
from .strokes import box_of, gather
from .water import depths, touches_edge

SMALLEST, LARGEST = 240, 900  # pixels of the longer side at which digits are looked for
LEAST_CONTRAST = 12.0  # grey levels of 255 between ink and paper; what differs by less is paper
LEAST_EXTENT = 0.03  # longer side of a digit over that of the picture; what is smaller is dust
NOISE = 8.0  # standard deviations of the noise that ink must differ by


class Found(NamedTuple):
    digits: list[Digit]  # in reading order
    done: str  # to the picture, in plain words
    steps: dict[str, np.ndarray]  # what was made on the way, for a picture of it


def find_digits(planes: np.ndarray, size: tuple[int, int]) -> Found:
    """The digits in a picture, each as MNIST's are, in the order one reads them.

    Args:
        planes: uint8 (C, H, W), C = 1 grey or 3 RGB.
        size: height and width of each digit's image.
    """
    scale, planes = _at_working_size(planes)
    smooth, noise = _smoothed(planes)
    smooth, lines = without_lines(smooth, max(LEAST_CONTRAST, NOISE * noise))
    contrast = max(LEAST_CONTRAST, NOISE * noise)
    depth, is_dark, groups = _groups(depths(smooth), contrast)
    if touches_edge(smooth, contrast):
        walled = _groups(depths(smooth, walled=True), contrast)
        # What was found without the wall may be the holes of an 8 that touches the edge.
        holes = walled[1] != is_dark and all(any(_encloses(outer, inner) for outer in walled[2]) for inner in groups)
        if walled[2] and (holes or not groups):
            depth, is_dark, groups = walled
    digits, was_thin = [], False
    for group in groups:
        ink, stroke = _ink(depth, group, noise)
        image, thickened = as_mnist(ink, stroke, size)
        was_thin |= thickened
        top, left, bottom, right = box_of(group)
        box = (round(top / scale), round(left / scale), round(bottom / scale), round(right / scale))
        digits.append(Digit(image[None], box))
    digits = in_reading_order(digits)
    steps = {"smooth": smooth, "depth": depth}
    return Found(digits, _said(is_dark, was_thin, lines), steps)


def _said(is_dark: bool, was_thin: bool, lines: int) -> str:
    """What was done to the picture."""
    parts = ["dark ink on a light background: inverted" if is_dark else "light ink on a dark background"]
    if lines:
        parts.append(f"{lines} straight line{'s' * (lines > 1)} taken out")
    if was_thin:
        parts.append("thin strokes thickened")
    return "; ".join([*parts, "cropped to the ink and centred by mass as MNIST is"])


def _groups(depth: np.ndarray, contrast: float) -> tuple[np.ndarray, bool, list[list[Piece]]]:
    """What may be digits, of the polarity (2, H, W) with the largest; its depth, and whether it is dark."""
    least = LEAST_EXTENT * max(depth.shape)
    best: tuple[float, bool, list[list[Piece]]] = (-1.0, True, [])
    for polarity, is_dark in zip(depth, (True, False), strict=True):
        groups = strokes_of_digits(gather(find_pieces(polarity, contrast, 0.3 * least)))
        groups = [group for group in groups if max(box_of(group)[2] - box_of(group)[0], 0) >= least]
        weight = max((strength(group) ** 2 * _area(box_of(group)) for group in groups), default=0.0)
        if weight > best[0]:
            best = (weight, is_dark, groups)
    _, is_dark, groups = best
    return depth[0 if is_dark else 1], is_dark, groups


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _encloses(outer: list[Piece], inner: list[Piece]) -> bool:
    a, b = box_of(outer), box_of(inner)
    return a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3]


def _ink(depth: np.ndarray, group: list[Piece], noise: float) -> tuple[np.ndarray, float]:
    """The digit cut out, (h, w) in 0..1, and the mean width of its strokes in pixels; all else is paper."""
    top, left, bottom, right = box_of(group)
    mask = np.zeros((bottom - top, right - left), bool)
    for piece in group:
        mask[tuple((piece.pixels - (top, left)).T)] = True
    near = np.asarray(Image.fromarray(np.pad(mask, 1)).convert("L").filter(ImageFilter.MaxFilter(3)))[1:-1, 1:-1] > 0
    full = strength(group)
    paper = min(3.0 * noise, 0.2 * full)
    ink = np.clip((depth[top:bottom, left:right] - paper) / (full - paper), 0.0, 1.0) * near
    stroke = float(np.average([piece.stroke for piece in group], weights=[len(piece.pixels) for piece in group]))
    return ink, stroke


def _at_working_size(planes: np.ndarray) -> tuple[float, np.ndarray]:
    longest = max(planes.shape[1:])
    scale = float(np.clip(1.0, SMALLEST / longest, LARGEST / longest))
    if scale == 1.0:
        return scale, planes
    height, width = (max(1, round(side * scale)) for side in planes.shape[1:])
    resized = [Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC) for plane in planes]
    return scale, np.stack([np.asarray(plane) for plane in resized])


def _smoothed(planes: np.ndarray) -> tuple[np.ndarray, float]:
    """Averaged over 3 x 3 pixels, and the standard deviation of the noise that is left.

    The noise is in the second differences, which are zero where brightness changes evenly; the least quarter of
    them is taken to lie where nothing is drawn.
    """
    smooth = np.stack([np.asarray(Image.fromarray(plane).filter(ImageFilter.BoxBlur(1))) for plane in planes])
    values = smooth.astype(np.float32)
    across = values[:, :, 3:-3] - 0.5 * (values[:, :, :-6] + values[:, :, 6:])
    down = values[:, 3:-3] - 0.5 * (values[:, :-6] + values[:, 6:])
    second = np.concatenate([across.ravel(), down.ravel()])
    if not second.size:
        return smooth, 0.0
    # A quarter of normally distributed numbers lie within 0.319 deviations; three independent ones make a difference.
    return smooth, float(np.quantile(np.abs(second), 0.25) / 0.319 / np.sqrt(1.5))
