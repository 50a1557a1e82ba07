"""All digits in an image: water finds the ink, pieces of it become digits, digits are read line by line."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from .choose import strength, strokes_of_digits
from .enclosures import enclosing
from .lines import without_lines
from .normalise import as_mnist
from .order import Digit, in_reading_order, without_points
from .pieces import Piece, find_pieces
from .split import halves
from .strokes import box_of, gather
from .underlines import underlining, without_underline
from .water import depths, touches_edge
from .working_size import at_working_size, smoothed

MIN_CONTRAST = 12.0  # grey levels of 255 between ink and paper; what differs by less is paper
MIN_EXTENT = 0.03  # height of a digit over the longer side of the image; what is smaller is dust
MIN_BESIDE = 0.7  # or, beside digits that are large enough, over their median height
DRAINED = 1.2  # times as deep is what stood behind a wall than what is left of it without
NOISE = 8.0  # standard deviations of the noise that ink must differ by


class Found(NamedTuple):
    """Digits found in an image, and how."""

    digits: list[Digit]  # in reading order
    done: str  # to the image, in plain words
    steps: dict[str, np.ndarray]  # images of what was done, uint8 (C, h, w), by their captions


class Ink(NamedTuple):
    """Ink found in one polarity."""

    depth: np.ndarray  # uint8 (H, W)
    is_dark: bool  # it is darker than the paper
    pieces: list[Piece]
    written: list[Piece]  # without the strokes around and below digits
    groups: list[list[Piece]]  # the pieces of each digit

    @property
    def weight(self) -> float:
        """Of two polarities the one with the larger and stronger digit is the ink; the other's are holes and gaps."""
        sizes = [(box[2] - box[0]) * (box[3] - box[1]) for box in map(box_of, self.groups)]
        return max((strength(group) ** 2 * size for group, size in zip(self.groups, sizes, strict=True)), default=0.0)


def find_digits(planes: np.ndarray, size: tuple[int, int]) -> Found:
    """The digits in an image, each as MNIST's are, in the order one reads them.

    Args:
        planes: uint8 (C, H, W), C = 1 grey or 3 RGB.
        size: height and width of each digit's image.
    """
    scale, planes = at_working_size(planes)
    smooth, noise = smoothed(planes)
    contrast = max(MIN_CONTRAST, NOISE * noise)
    plain, lines = without_lines(smooth, contrast)
    ink = _ink(depths(plain), contrast)
    if touches_edge(plain, contrast):
        walled = _ink(depths(plain, walled=True), contrast)
        if walled.groups and _is_drained(ink, walled):
            ink = walled
    digits = [_digit(ink.depth, group, noise, size, scale) for group in ink.groups]
    was_thin = any(was_thin for _, was_thin in digits)
    kept = [piece for group in ink.groups for piece in group]
    steps = {
        f"straight lines out ({lines})": plain,
        "how deep the ink is": ink.depth[None],
        f"connected pieces ({len(ink.pieces)})": _coloured([[piece] for piece in ink.pieces], ink.depth.shape),
        f"boxes, rings, underlines out ({_gone(ink)})": _coloured([[piece] for piece in ink.written], ink.depth.shape),
        f"strokes of digits ({len(kept)} kept)": _coloured(ink.groups, ink.depth.shape),
    }
    written = without_points([digit for digit, _ in digits])
    points = len(digits) - len(written)
    return Found(in_reading_order(written), _said(ink.is_dark, was_thin, lines, _gone(ink), points), steps)


def _ink(depth: np.ndarray, contrast: float) -> Ink:
    """Candidates for digits in dark and in light ink, (2, H, W), and of these the better."""
    least = MIN_EXTENT * max(depth.shape)
    found = []
    both = [find_pieces(polarity, contrast, 0.3 * least) for polarity in depth]
    for polarity, is_dark, pieces, other in zip(depth, (True, False), both, both[::-1], strict=True):
        written = _without_furniture(pieces)
        groups = strokes_of_digits(gather(written), other)
        groups = _large(groups, least)
        found.append(Ink(polarity, is_dark, pieces, written, groups))
    return max(found, key=lambda ink: ink.weight)


def _large(groups: list[list[Piece]], least: float) -> list[list[Piece]]:
    """The groups that are no dust: as high as `least`, or nearly as high as those that are."""
    heights = np.array([box_of(group)[2] - box_of(group)[0] for group in groups])
    if not (heights >= least).any():
        return []
    least = min(least, MIN_BESIDE * float(np.median(heights[heights >= least])))
    return [group for group, height in zip(groups, heights, strict=True) if height >= least]


def _without_furniture(pieces: list[Piece]) -> list[Piece]:
    """Pieces without what is drawn around or below others."""
    out = enclosing(pieces) | underlining(pieces)
    return [without_underline(piece) for number, piece in enumerate(pieces) if number not in out]


def _is_drained(ink: Ink, walled: Ink) -> bool:
    """Whether all that was found without the wall is what the edge has left of larger ink: its holes, as those of an 8,
    or a part of its strokes, less deep.
    """
    if walled.is_dark != ink.is_dark:
        return all(any(_encloses(outer, inner) for outer in walled.groups) for inner in ink.groups)
    whole = np.zeros(walled.depth.shape)  # how deep the walled ink is
    for group in walled.groups:
        whole[tuple(_pixels(group).T)] = strength(group)
    return all(np.median(whole[tuple(_pixels(group).T)]) > DRAINED * strength(group) for group in ink.groups)


def _pixels(group: list[Piece]) -> np.ndarray:
    return np.concatenate([piece.pixels for piece in group])


def _encloses(outer: list[Piece], inner: list[Piece]) -> bool:
    a, b = box_of(outer), box_of(inner)
    return a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3]


def _digit(
    depth: np.ndarray, group: list[Piece], noise: float, size: tuple[int, int], scale: float, cuts: int = 2
) -> tuple[Digit, bool]:
    """A group of pieces as a digit, with the digits that it may be instead, and whether its strokes were thickened.

    Args:
        cuts: how often its parts may be cut in two.
    """
    image, was_thin = as_mnist(*_cut_out(depth, group, noise), size)
    parts = (halves(group) if cuts else None) or ()
    top, left, bottom, right = (round(side / scale) for side in box_of(group))
    instead = tuple(_digit(depth, part, noise, size, scale, cuts - 1)[0] for part in parts)
    return Digit(image[None], (top, left, bottom, right), instead=instead), was_thin


def _cut_out(depth: np.ndarray, group: list[Piece], noise: float) -> tuple[np.ndarray, float]:
    """The digit, (h, w) in 0..1, and the mean width of its strokes in pixels; all else is paper."""
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


def _coloured(groups: list[list[Piece]], shape: tuple[int, ...]) -> np.ndarray:
    """Each group in a colour of its own on black: uint8 (3, H, W)."""
    image = np.zeros((3, *shape), np.uint8)
    for number, group in enumerate(groups):
        hue = Image.new("HSV", (1, 1), (number * 97 % 256, 140, 255)).convert("RGB").getpixel((0, 0))
        for piece in group:
            image[:, piece.pixels[:, 0], piece.pixels[:, 1]] = np.array(hue)[:, None]
    return image


def _gone(ink: Ink) -> int:
    """Number of pieces left out, or cut off a digit, as boxes, rings and underlines."""
    written = {id(piece) for piece in ink.written}
    return sum(id(piece) not in written for piece in ink.pieces)


def _said(is_dark: bool, was_thin: bool, lines: int, furniture: int, points: int) -> str:
    """Note on what was done to the image."""
    parts = ["dark ink on a light background: inverted" if is_dark else "light ink on a dark background"]
    if lines:
        parts.append(f"{lines} straight line{'s' * (lines > 1)} taken out")
    if furniture:
        parts.append(f"{furniture} stroke{'s' * (furniture > 1)} around or below digits left out")
    if points:
        parts.append(f"{points} point{'s' * (points > 1)} or comma{'s' * (points > 1)} left out")
    if was_thin:
        parts.append("thin strokes thickened")
    return "; ".join([*parts, "cropped to the ink and centred by mass as MNIST is"])
