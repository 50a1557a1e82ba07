"""Underlines taken out, straight or wavy: a flat stroke below a digit, wider than the digit is high.

By its width it is told from what belongs to a digit: the foot of a 1 and the base of a 2 are narrower than that. Where
it touches the digit, it is known by its two free ends, and as much as they are thick is cut off between them.
"""

import numpy as np

from ...backend import bincount
from .pieces import Piece, stroke_of

FLAT = 4.0  # width over height of an underline, its waves in it
WIDER = 1.15  # its width over the height of the digit
OVERLAP = 0.7  # of the digit's width that is above it
MAX_DISTANCE = 0.6  # from the digit's foot, over the digit's height
LOW = 0.25  # of the height of digit and line that touch, within which a free end lies
FREE = 0.2  # length of each free end over the height of what is left
THICKEST = 0.1  # of its width
MIN_HEIGHT = 0.3  # of its width is the least height of the digit


def underlining(pieces: list[Piece]) -> set[int]:
    """Numbers of the pieces that are underlines of others."""
    flat = [number for number, piece in enumerate(pieces) if piece.width >= FLAT * piece.height]
    return {number for number in flat if any(_underlines(pieces[number], above) for above in pieces)}


def _underlines(line: Piece, digit: Piece) -> bool:
    shared = min(line.box[3], digit.box[3]) - max(line.box[1], digit.box[1])
    gap = line.box[0] - digit.box[2]
    return (
        digit.height > 2 * line.height
        and line.width >= WIDER * max(digit.height, digit.width)
        and digit.height >= MIN_HEIGHT * line.width
        and shared >= OVERLAP * digit.width
        and -0.1 * digit.height <= gap <= MAX_DISTANCE * digit.height
    )


def without_underline(piece: Piece) -> Piece:
    """A digit that touches the line below it, without the line; any other piece as it is."""
    if piece.width < piece.height:
        return piece
    top, left = piece.box[:2]
    rows, columns = (piece.pixels - (top, left)).T
    count = bincount(columns, minlength=piece.width)
    highest = np.full(piece.width, piece.height)
    np.minimum.at(highest, columns, rows)
    lowest = np.zeros(piece.width, int)
    np.maximum.at(lowest, columns, rows)
    is_high = highest < (1 - LOW) * piece.height
    ends = int(np.argmax(is_high)), int(np.argmax(is_high[::-1]))  # how long they are, left and right
    if not is_high.any() or min(ends) == 0:
        return piece
    is_free = np.arange(piece.width) < ends[0]
    is_free[piece.width - ends[1] :] = True
    thickness = float(np.median(count[is_free]))
    begins = highest[is_free].min()  # the row
    is_line = (rows >= begins) & (rows > (lowest - thickness)[columns])
    is_line |= is_free[columns]
    kept = piece.pixels[~is_line]
    if not len(kept):
        return piece
    (y, x), (v, u) = kept.min(axis=0), kept.max(axis=0) + 1
    height = v - y
    if (
        piece.width < WIDER * height
        or height < MIN_HEIGHT * piece.width
        or min(ends) < FREE * height
        or thickness > THICKEST * piece.width
    ):
        return piece
    box = int(y), int(x), int(v), int(u)
    longer = max(v - y, u - x) / piece.length
    return piece._replace(pixels=kept, box=box, stroke=stroke_of(kept), sharpness=piece.sharpness * longer)
