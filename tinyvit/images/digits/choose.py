"""Selection of pieces that may be digits: strokes of similar size and strength; no blobs, frames or holes."""

import numpy as np

from .pieces import Piece
from .split import halves
from .strokes import box_of, is_framed

BLOB = 0.4  # side of a square that fits into the ink, over the longer side; the thickest of MNIST's digits have 0.35
THIN = 0.15  # the same of a ring or a box that is drawn around something
SHARP = 4.0  # sharpness of a blurred stroke is 5 at least, of a spot of light 1 to 3
RECTANGLE = 0.9  # of the smallest rectangle around it, at any angle, that a piece of paper or a box fills; a 0 has 0.8
NARROW = 0.4  # shorter side of that rectangle over the longer; a 1 is narrower, and a rectangle
PAPER = 0.75  # of what lies within its outline paper covers, with digits in it; strokes cover 0.6 at most
SOLID = 0.95  # of the same a 1 covers: it has no holes
SAMPLES = 12  # pixels of a group are enough to tell that it lies in a ring
MAX_ASPECT = 2.2  # width over height of a digit; what is wider is a dash, or several digits that touch
MAX_ROW_ASPECT = 4.5  # width over height of those
TANGLED = 6.0  # length of all its strokes over its longer side, of a scribble; MNIST's digits have 3.1 at most
MIN_SHARE = 0.3  # of the height of the tallest, and of the strength of the strongest


def strokes_of_digits(groups: list[list[Piece]], other: list[Piece]) -> list[list[Piece]]:
    """The groups that may be digits, out of those of one polarity.

    Args:
        other: the pieces of the other polarity; what one of them is drawn around is a hole, as in an 8, and no ink.
    """
    groups = [group for group in groups if _is_drawn(group)]
    holes = _holes(groups, [piece for piece in other if not holds_square(piece, THIN)])
    groups = [group for number, group in enumerate(groups) if number not in holes]
    groups = [group for group in groups if not any(is_framed(other, group) for other in groups if other is not group)]
    if not groups:
        return []
    strongest = max(strength(group) for group in groups)
    groups = [group for group in groups if strength(group) >= MIN_SHARE * strongest]
    tallest = max(_height(group) for group in groups)
    return [group for group in groups if _height(group) >= MIN_SHARE * tallest]


def _holes(groups: list[list[Piece]], rings: list[Piece]) -> set[int]:
    """Numbers of the groups that are holes of something drawn; paper has digits in it, and is none."""
    found = set()
    for ring in rings:
        holes = [number for number, group in enumerate(groups) if _is_hole(group, ring)]
        if holes and len(ring.pixels) < PAPER * filled(ring).sum():
            found |= {*holes}
    return found


def _is_hole(group: list[Piece], ring: Piece) -> bool:
    """Whether all of a group lies within a ring: some of its pixels are looked at, each has the ring on four sides."""
    top, left, bottom, right = box_of(group)
    if not (ring.box[0] < top and ring.box[1] < left and ring.box[2] > bottom and ring.box[3] > right):
        return False
    pixels = np.concatenate([piece.pixels for piece in group])
    for row, column in pixels[:: -(-len(pixels) // SAMPLES)]:
        across, down = ring.pixels[ring.pixels[:, 0] == row, 1], ring.pixels[ring.pixels[:, 1] == column, 0]
        if not ((across < column).any() and (across > column).any() and (down < row).any() and (down > row).any()):
            return False
    return True


def strength(group: list[Piece]) -> float:
    """Depth of the ink, grey levels, the mean over the pixels of all pieces."""
    return float(np.average([piece.depth for piece in group], weights=[len(piece.pixels) for piece in group]))


def _height(group: list[Piece]) -> int:
    top, _, bottom, _ = box_of(group)
    return bottom - top


def _is_drawn(group: list[Piece]) -> bool:
    """Whether it is made of strokes, and not a blob, a dash, a scribble, or a spot of light."""
    top, left, bottom, right = box_of(group)
    largest = max(group, key=lambda piece: len(piece.pixels))
    aspect = (right - left) / (bottom - top)
    may_touch = aspect < MAX_ROW_ASPECT and bottom - top > 3 * largest.stroke and halves(group) is not None
    if (aspect > MAX_ASPECT and not may_touch) or largest.sharpness < SHARP or holds_square(largest, BLOB):
        return False
    if len(largest.pixels) > TANGLED * largest.stroke * largest.length:
        return False
    fill, narrowness = rectangularity(largest)
    return fill < RECTANGLE or (narrowness < NARROW and len(largest.pixels) > SOLID * filled(largest).sum())


def holds_square(piece: Piece, share: float) -> bool:
    """Whether a square, its side such a share of the piece's longer side, fits into its ink: morphological erosion."""
    side = max(2, round(share * piece.length))
    if side > min(piece.height, piece.width):
        return False
    mask = np.zeros((piece.height + 1, piece.width + 1), np.int32)
    mask[tuple((piece.pixels - piece.box[:2] + 1).T)] = 1
    sums = mask.cumsum(axis=0).cumsum(axis=1)  # (h + 1, w + 1), of all above and to the left
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return bool(inside.max() == side * side)


def rectangularity(piece: Piece) -> tuple[float, float]:
    """Share of the smallest rectangle around a piece that it fills, holes filled, and the rectangle's aspect, 0..1."""
    mask = filled(piece)
    rows, columns = np.nonzero(mask & ~_inner(mask))
    best, aspect = 0.0, 1.0
    for angle in np.radians(np.arange(0, 90, 2)):
        a, b = rows * np.cos(angle) + columns * np.sin(angle), columns * np.cos(angle) - rows * np.sin(angle)
        sides = np.ptp(a) + 1.0, np.ptp(b) + 1.0
        fill = mask.sum() / (sides[0] * sides[1])
        if fill > best:
            best, aspect = float(fill), min(sides) / max(sides)
    return best, float(aspect)


def filled(piece: Piece) -> np.ndarray:
    """Mask of a piece and of all that has it on four sides, bool (h + 2, w + 2), with an empty pixel on each side.

    So the inside of a ring counts as filled though the ring's ends may not meet.
    """
    mask = np.zeros((piece.height + 2, piece.width + 2), bool)
    mask[tuple((piece.pixels - piece.box[:2] + 1).T)] = True
    return _between(mask, axis=0) & _between(mask, axis=1)


def _between(mask: np.ndarray, axis: int) -> np.ndarray:
    """The pixels from the first of the mask to the last, along an axis."""
    before = np.logical_or.accumulate(mask, axis)
    behind = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis), axis)
    return before & behind


def _inner(mask: np.ndarray) -> np.ndarray:
    """The pixels whose four neighbours are in the mask, too; nothing of it lies on the edge."""
    inner = mask.copy()
    inner[1:-1, 1:-1] &= mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return inner
