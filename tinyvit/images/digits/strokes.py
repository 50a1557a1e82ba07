"""Grouping of strokes into digits: the bar of a 5, the two parts of a 4, a stroke that has a gap."""

import numpy as np

from .pieces import Piece

NEXT_TO = 1.0  # stroke widths between parts of one digit
NEAR = 0.25  # of the height of the digit, between it and a small part such as the bar of a 5
SMALL = 0.7  # longer side of a part over that of the larger part; what is larger is another digit
TALLER = 1.4  # height of the whole over the longer side of its larger part, of a digit of two strokes
TOUCHING = 0.25  # stroke widths between two strokes that almost touch: then one above the other may be as large
MAX_ASPECT = 1.3  # width over height of a digit
FINE = 0.06  # stroke of a printed frame or a ring over its longer side; a 0 around a dash is thicker
MIN_SHARE = 0.03  # of the pixels of the larger part; what has fewer is a speck
MAX_PIECES = 400  # pieces, the largest; where there are more it is a texture, or a page beyond what is meant here
POINTS = 400  # of a piece are enough to measure how far it is from another


def gather(pieces: list[Piece]) -> list[list[Piece]]:
    """Lists of the pieces that make one digit each, smallest joined first to the nearest."""
    groups = [[piece] for piece in sorted(pieces, key=lambda piece: piece.length)[-MAX_PIECES:]]
    boxes = np.array([piece.box for group in groups for piece in group]).reshape(-1, 4)
    gone = np.zeros(len(groups), bool)
    for at, group in enumerate(groups):
        apart = np.max([boxes[at, :2] - boxes[:, 2:], boxes[:, :2] - boxes[at, 2:]], axis=(0, 2))
        close = np.flatnonzero(apart <= 2 * NEAR * np.ptp(boxes.reshape(-1, 2, 2), axis=1).max(axis=1))
        larger = [other for other in close if other > at and _belongs(group, groups[other])]
        if larger:
            nearest = min(larger, key=lambda other: _gap(group, groups[other]))
            groups[nearest].extend(group)
            boxes[nearest] = box_of(groups[nearest])
            gone[at] = True
    return [group for group, is_gone in zip(groups, gone, strict=True) if not is_gone]


def box_of(group: list[Piece]) -> tuple[int, int, int, int]:
    """Top, left, bottom, right around all pieces."""
    boxes = np.array([piece.box for piece in group])
    top, left = boxes[:, :2].min(axis=0)
    bottom, right = boxes[:, 2:].max(axis=0)
    return int(top), int(left), int(bottom), int(right)


def is_framed(inner: list[Piece], outer: list[Piece]) -> bool:
    """Whether `outer` is a frame around `inner`: has ink on all four sides of its middle, and leaves it room."""
    top, left, bottom, right = box_of(inner)
    a = box_of(outer)
    if not (a[0] < top and a[1] < left and a[2] > bottom and a[3] > right):
        return False
    row, column = (top + bottom) // 2, (left + right) // 2
    pixels = np.concatenate([piece.pixels for piece in outer])
    across, down = pixels[pixels[:, 0] == row, 1], pixels[pixels[:, 1] == column, 0]
    sides = (across < left).any(), (across >= right).any(), (down < top).any(), (down >= bottom).any()
    return all(sides) and (bottom - top) >= 0.2 * (a[2] - a[0])


def _belongs(small: list[Piece], large: list[Piece]) -> bool:
    """Whether the first is a part of the digit that the second is the larger part of."""
    if sum(len(piece.pixels) for piece in small) < MIN_SHARE * sum(len(piece.pixels) for piece in large):
        return False
    a, b = box_of(small), box_of(large)
    top, left, bottom, right = box_of(small + large)
    length = max(bottom - top, right - left)
    apart = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3], 0)  # of the boxes, never more than of the ink
    if apart > NEAR * length or right - left > MAX_ASPECT * (bottom - top):
        return False
    larger = max(b[2] - b[0], b[3] - b[1])
    is_dash = a[3] - a[1] > 1.3 * (a[2] - a[0])
    stroke = max(piece.stroke for piece in small + large)
    is_long = (a[2] - a[0] > SMALL * larger and not is_dash) or bottom - top > TALLER * larger
    over_each_other = min(a[3], b[3]) - max(a[1], b[1]) > 0.3 * (a[3] - a[1])
    if is_long and not (over_each_other and _gap(small, large) <= TOUCHING * stroke):
        return False
    in_frame = is_framed(small, large)
    if in_frame and max(piece.stroke for piece in large) < FINE * larger:
        return False
    return _gap(small, large) <= (NEAR * length if over_each_other and not in_frame else NEXT_TO * stroke + 1)


def _gap(first: list[Piece], second: list[Piece]) -> float:
    """The shortest way from ink to ink, in pixels."""
    a, b = (np.concatenate([piece.pixels for piece in group]) for group in (first, second))
    a, b = (pixels[:: max(1, len(pixels) // POINTS)].astype(np.float32) for pixels in (a, b))
    squares = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    return float(np.sqrt(squares.min()))
