"""Which pieces may be digits: strokes of about the same size and strength, and neither blobs nor frames."""

import numpy as np

from .connected import label
from .pieces import Piece
from .strokes import box_of, is_framed

WIDEST_STROKE = 0.4  # mean width over the longer side; a solid square or disc has 0.5
RECTANGLE = 0.9  # of the smallest rectangle around it, at any angle, that a piece of paper or a box fills; a 0 has 0.8
NARROW = 0.4  # shorter side of that rectangle over the longer; a 1 is narrower, and a rectangle
WIDEST = 2.2  # width over height; what is wider is a dash
LEAST_SHARE = 0.3  # of the height of the tallest, and of the strength of the strongest


def strokes_of_digits(groups: list[list[Piece]]) -> list[list[Piece]]:
    """The groups that may be digits, out of those of one polarity."""
    groups = [group for group in groups if _is_drawn(group)]
    groups = [group for group in groups if not any(is_framed(other, group) for other in groups if other is not group)]
    if not groups:
        return []
    strongest = max(strength(group) for group in groups)
    groups = [group for group in groups if strength(group) >= LEAST_SHARE * strongest]
    tallest = max(_height(group) for group in groups)
    return [group for group in groups if _height(group) >= LEAST_SHARE * tallest]


def strength(group: list[Piece]) -> float:
    """How deep the ink is, grey levels, the mean over the pixels of all pieces."""
    return float(np.average([piece.depth for piece in group], weights=[len(piece.pixels) for piece in group]))


def _height(group: list[Piece]) -> int:
    top, _, bottom, _ = box_of(group)
    return bottom - top


def _is_drawn(group: list[Piece]) -> bool:
    """Whether it is made of strokes, and not a blob or a dash."""
    top, left, bottom, right = box_of(group)
    largest = max(group, key=lambda piece: len(piece.pixels))
    if right - left > WIDEST * (bottom - top) or largest.stroke > WIDEST_STROKE * max(bottom - top, right - left):
        return False
    fill, aspect = rectangularity(largest)
    return fill < RECTANGLE or aspect < NARROW


def rectangularity(piece: Piece) -> tuple[float, float]:
    """How much of the smallest rectangle around a piece it fills, holes filled, and the rectangle's aspect, 0..1."""
    top, left, _, _ = piece.box
    mask = np.zeros((piece.height + 2, piece.width + 2), bool)
    mask[tuple((piece.pixels - (top - 1, left - 1)).T)] = True
    outside, _ = label(~mask)  # all around is number 1
    filled = outside != 1
    rows, columns = np.nonzero(filled & ~_inner(filled))
    best, aspect = 0.0, 1.0
    for angle in np.radians(np.arange(0, 90, 5)):
        a, b = rows * np.cos(angle) + columns * np.sin(angle), columns * np.cos(angle) - rows * np.sin(angle)
        sides = np.ptp(a) + 1.0, np.ptp(b) + 1.0
        fill = filled.sum() / (sides[0] * sides[1])
        if fill > best:
            best, aspect = float(fill), min(sides) / max(sides)
    return best, float(aspect)


def _inner(mask: np.ndarray) -> np.ndarray:
    """The pixels whose four neighbours are in the mask, too; nothing of it lies on the edge."""
    inner = mask.copy()
    inner[1:-1, 1:-1] &= mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return inner
