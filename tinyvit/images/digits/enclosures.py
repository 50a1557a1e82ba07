"""Boxes and rings drawn by hand taken out: fine strokes, with gaps between them, around another shape.

Seen from the middle of what they enclose, such strokes are hit by rays in most directions, and each ray meets one
once: a stroke lies on the rim of its convex hull with the middle. A neighbouring digit is met twice or more.
"""

import numpy as np

from .pieces import Piece

FINE = 0.08  # stroke of such a piece over its longer side
MIN_LENGTH = 0.4  # its longer side over that of what it is drawn around
MAX_DISTANCE = 2.5  # of its pixels from the middle of that, over the same
RIM = 0.1  # depth within the hull, over the piece's longer side
AROUND = 0.75  # of all directions
MIN_SIDES = 3  # of the four
MIN_INSIDE = 0.25  # longer side of what is inside over that of all around it; what is smaller is dust
RAYS = 36
POINTS = 300  # of a piece are looked at
MAX_STROKES = 60  # fine strokes; where there are more it is a texture


def enclosing(pieces: list[Piece]) -> set[int]:
    """Numbers of the pieces that are strokes around others."""
    fine = [number for number, piece in enumerate(pieces) if piece.stroke <= FINE * piece.length]
    found: set[int] = set()
    if len(fine) > MAX_STROKES:
        return found
    for number, inner in enumerate(pieces):
        if number not in found:
            found.update(_around(inner, {other: pieces[other] for other in fine if other != number}))
    return found


def _around(inner: Piece, fine: dict[int, Piece]) -> list[int]:
    """The fine pieces that enclose another together, or none."""
    middle = np.array([inner.box[0] + inner.box[2], inner.box[1] + inner.box[3]]) / 2
    is_met = np.zeros(RAYS, bool)
    strokes = []
    for number, piece in fine.items():
        if piece.length < MIN_LENGTH * inner.length or _within(piece, inner):
            continue
        ways = piece.pixels[:: -(-len(piece.pixels) // POINTS)] - middle  # (n, 2)
        if np.hypot(*ways.T).max() <= MAX_DISTANCE * inner.length and _is_on_rim(ways, RIM * piece.length):
            is_met[_directions(ways)] = True
            strokes.append(number)
    if is_met.sum() < AROUND * RAYS or _sides_met(inner, [fine[number] for number in strokes]) < MIN_SIDES:
        return []
    boxes = np.array([fine[number].box for number in strokes])
    sides = boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)
    return strokes if inner.length >= MIN_INSIDE * sides.max() else []


def _sides_met(inner: Piece, strokes: list[Piece]) -> int:
    """Number of the four sides of a piece that have strokes beyond them; of a bar in a bar code it is two."""
    top, left, bottom, right = inner.box
    y, x = np.concatenate([stroke.pixels for stroke in strokes]).T
    beside, over = (y >= top) & (y < bottom), (x >= left) & (x < right)
    sides = (over & (y < top), over & (y >= bottom), beside & (x < left), beside & (x >= right))
    return sum(bool(side.any()) for side in sides)


def _within(piece: Piece, other: Piece) -> bool:
    """Whether most of a piece lies in the box of another."""
    inside = (piece.pixels >= other.box[:2]) & (piece.pixels < other.box[2:])
    return bool(inside.all(axis=1).mean() > 0.5)


def _is_on_rim(ways: np.ndarray, most: float) -> bool:
    """Whether points (n, 2) lie within `most` pixels of the rim of their convex hull with the origin, nine in ten.

    A hull is where all supporting lines leave it: h(u) = max of p u over its points p, for each direction u, and the
    depth of p in it is the least h(u) - p u.
    """
    angles = 2 * np.pi * np.arange(RAYS) / RAYS
    along = ways @ np.stack([np.sin(angles), np.cos(angles)])  # (n, RAYS)
    depth = (np.maximum(along.max(axis=0), 0.0) - along).min(axis=1)
    return bool(np.quantile(depth, 0.9) <= most)


def _directions(ways: np.ndarray) -> np.ndarray:
    """The number of the ray that is next to each point (n, 2) as seen from the origin, int (n,)."""
    return np.rint(np.arctan2(ways[:, 0], ways[:, 1]) * RAYS / (2 * np.pi)).astype(int) % RAYS
