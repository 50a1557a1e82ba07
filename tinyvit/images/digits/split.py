"""Digits that touch, cut apart along the straight line that crosses the least ink, as a second way to read a shape.

Whether a shape is one digit or two cannot be told from its ink: a 4 has thin places, too. So both readings are offered,
and the model that reads them decides (recognition-based segmentation: Casey and Lecolinet 1996, "A Survey of Methods
and Strategies in Character Segmentation").
"""

import numpy as np

from ...backend import bincount
from .pieces import Piece
from .strokes import box_of

SLANTS = (-0.5, -0.25, 0.0, 0.25, 0.5)  # columns a row that a cut leans by
NARROWEST = 0.75  # width over height of two digits that touch
CROSSES = 1.6  # stroke widths of ink that a cut goes through; through two strokes goes no cut
SIDE_BY_SIDE = 0.6  # height that both sides share over that of the whole
MIN_SHARE = 0.15  # of the ink that is on each side


def halves(group: list[Piece]) -> tuple[list[Piece], list[Piece]] | None:
    """The left and the right part of what may be two digits, or None where no cut is thin enough."""
    top, left, bottom, right = box_of(group)
    height, width = bottom - top, right - left
    if width < NARROWEST * height:
        return None
    pixels = np.concatenate([piece.pixels for piece in group])
    stroke = float(np.average([piece.stroke for piece in group], weights=[len(piece.pixels) for piece in group]))
    best = None
    for slant in SLANTS:
        columns = np.clip(_along(pixels, slant, top, bottom) - left, 0, width - 1)
        counts = bincount(columns, minlength=width)  # of ink along each line
        highest, lowest = np.full(width, bottom), np.full(width, top)
        np.minimum.at(highest, columns, pixels[:, 0])
        np.maximum.at(lowest, columns, pixels[:, 0])
        is_thin = (counts <= CROSSES * stroke) & (lowest - highest <= CROSSES * stroke)
        ahead = np.cumsum(counts) / len(pixels)
        for at in np.flatnonzero(is_thin & (ahead > MIN_SHARE) & (ahead < 1 - MIN_SHARE)):
            cost = counts[at] + 0.1 * stroke * abs(at / width - 0.5)  # of equal cuts that nearest to the middle
            if best is None or cost < best[0]:
                parts = [_part(group, slant, int(at) + left, top, bottom, side) for side in (True, False)]
                if _shared_height(parts) >= SIDE_BY_SIDE * height:
                    best = cost, parts
    return None if best is None else (best[1][0], best[1][1])


def _along(pixels: np.ndarray, slant: float, top: int, bottom: int) -> np.ndarray:
    """The column at which a line through each pixel (n, 2) crosses the middle row, int (n,)."""
    return np.rint(pixels[:, 1] - slant * (pixels[:, 0] - (top + bottom) / 2)).astype(int)


def _part(group: list[Piece], slant: float, at: int, top: int, bottom: int, is_left: bool) -> list[Piece]:
    """Part of a shape on one side of a line."""
    parts = []
    for piece in group:
        pixels = piece.pixels[(_along(piece.pixels, slant, top, bottom) <= at) == is_left]
        if len(pixels):
            (y, x), (v, u) = pixels.min(axis=0), pixels.max(axis=0) + 1
            parts.append(piece._replace(pixels=pixels, box=(int(y), int(x), int(v), int(u))))
    return parts


def _shared_height(parts: list[list[Piece]]) -> int:
    """Rows that all parts have in common."""
    boxes = [box_of(part) for part in parts]
    return min(box[2] for box in boxes) - max(box[0] for box in boxes)
