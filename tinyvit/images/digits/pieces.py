"""Features of each connected piece of ink: place, size, stroke width, darkness, sharpness."""

from typing import NamedTuple

import numpy as np

from ...backend import bincount
from .connected import label

HALF = 0.45  # of a piece's own depth: where its edge is
CORE = 0.9  # the depth of a piece is that of this share of its pixels, the deepest few left out


class Piece(NamedTuple):
    """Connected component of ink, measured."""

    box: tuple[int, int, int, int]  # top, left, bottom, right; the last two are exclusive
    pixels: np.ndarray  # int (n, 2): row and column of each
    depth: float  # of the full ink, grey levels
    stroke: float  # mean width in pixels
    sharpness: float  # how often its depth is gone over its longer side, as steep as it is at its outline, the median

    @property
    def height(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def width(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def length(self) -> int:
        """The longer side."""
        return max(self.height, self.width)


def find_pieces(depth: np.ndarray, least_depth: float, least_length: float) -> list[Piece]:
    """Cut out what lies deeper than `least_depth` and is not tiny.

    Each piece ends at half of its own depth, so that faint and dark ink in one image both end where their strokes do.

    Args:
        depth: uint8 (H, W).
        least_depth: what is less deep is paper.
        least_length: longer side in pixels; what is smaller is dust.
    """
    labels, count = label(depth > least_depth)
    deepest = np.zeros(count + 1)
    np.maximum.at(deepest, labels.ravel(), depth.ravel())
    labels, count = label(depth > np.maximum(HALF * deepest, least_depth)[labels])
    if not count:
        return []
    inside = np.flatnonzero(labels)
    order = inside[np.argsort(labels.ravel()[inside], kind="stable")]  # pixels, piece after piece
    sizes = bincount(labels.ravel(), minlength=count + 1)[1:]
    is_edge = _edge(labels).ravel()
    down, across = np.gradient(depth.astype(np.float32))
    slope = np.hypot(down, across).ravel()  # grey levels a pixel
    found = []
    for pixels in np.split(order, np.cumsum(sizes)[:-1]):
        if len(pixels) < least_length:
            continue
        rows, columns = np.divmod(pixels, depth.shape[1])
        box = (int(rows[0]), int(columns.min()), int(rows[-1]) + 1, int(columns.max()) + 1)
        if max(box[2] - box[0], box[3] - box[1]) < least_length:
            continue
        full = float(np.quantile(depth.ravel()[pixels], CORE))
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        outline = np.concatenate([pixels[begins], pixels[begins - 1]])  # first and last of each row
        sharpness = float(np.median(slope[outline])) * max(box[2] - box[0], box[3] - box[1]) / full
        stroke = stroke_width(len(pixels), int(is_edge[pixels].sum()))
        found.append(Piece(box, np.stack([rows, columns], axis=1), full, stroke, sharpness))
    return found


def stroke_width(area: int, edge: int) -> float:
    """The mean width in pixels: a long stroke of width w and length l has the area w l and the edge 2 l."""
    return 2.0 * area / edge if area > edge else 1.0


def stroke_of(pixels: np.ndarray) -> float:
    """The same of a piece's pixels, int (n, 2)."""
    mask = np.zeros(np.ptp(pixels, axis=0) + 1, bool)
    mask[tuple((pixels - pixels.min(axis=0)).T)] = True
    return stroke_width(len(pixels), int(_edge(mask).sum()))


def _edge(labels: np.ndarray) -> np.ndarray:
    """Mask of a piece's pixels that have a neighbour, by a side, outside of it: bool (H, W)."""
    padded = np.pad(labels, 1)
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return (labels > 0) & np.logical_or.reduce([neighbour == 0 for neighbour in around])
