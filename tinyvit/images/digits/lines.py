"""Straight lines from edge to edge taken out: ruled and squared paper, margins, tables of forms.

A line as dark as the ink would join the digit to the image's edge. It is known by what no digit has: it is thin and
straight, and runs from edge to edge. What is darker than the line is ink and stays. Its other pixels become what lies
just above and below them, so that paper becomes paper, and a stroke that crosses the line goes on.
"""

import numpy as np

MIN_COVER = 0.55  # of the image's width that a line is seen on; strokes hide some of it
STEEPEST = 0.12  # rows per column, 7 degrees
STRIP = 12  # columns that are counted together
THICKEST = 0.02  # of the longer side


def without_lines(planes: np.ndarray, contrast: float) -> tuple[np.ndarray, int]:
    """The image without its lines, uint8 (C, H, W) -> the same, and how many there were.

    Args:
        contrast: grey levels by which a line differs at least from what is on both its sides.
    """
    count = 0
    for _ in range(2):  # along the rows, then along the columns
        for flipped in (False, True):
            side = 255 - planes if flipped else planes
            found = _find(_ridges(side, contrast))
            for line in found:
                side = _erased(side, *line, contrast)
            count += len(found)
            planes = 255 - side if flipped else side
        planes = planes.transpose(0, 2, 1)
    return np.ascontiguousarray(planes), count


def _ridges(planes: np.ndarray, contrast: float) -> np.ndarray:
    """Mask of pixels darker than both above and below: bool (H, W)."""
    height = planes.shape[1]
    found = np.zeros(planes.shape[1:], bool)
    for reach in (3, 6, 12):
        if reach > max(3, THICKEST * max(planes.shape[1:])) or height <= 2 * reach:
            break
        middle = planes[:, reach:-reach].astype(np.int16)
        sides = np.minimum(planes[:, : -2 * reach], planes[:, 2 * reach :])
        found[reach:-reach] |= (sides - middle > contrast).any(axis=0)
    return found


def _find(ridges: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """The lines of a mask (H, W): the row of each at every column, int (W,), and how many rows it is thick.

    Lines through every row of the middle column and with every slope are counted at once, on strips of columns (Hough
    1962 with few slopes). The longest is taken, with those it overlaps, and so on.
    """
    height, width = ridges.shape
    strips = -(-width // STRIP)
    thick = ridges.copy()  # a line may lie between two rows, and is not quite straight
    thick[1:] |= ridges[:-1]
    thick[:-1] |= ridges[1:]
    counts = np.pad(thick, ((0, 0), (0, strips * STRIP - width))).reshape(height, strips, STRIP).sum(axis=2)  # (H, S)
    centres = (np.arange(strips) + 0.5) * STRIP - width / 2
    margin = int(STEEPEST * width / 2) + 2
    padded = np.pad(counts, ((margin, margin), (0, 0)))
    # It runs from edge to edge; a frame does not.
    begins, ends = (np.pad(thick[:, side].any(axis=1), margin) for side in (slice(None, 3), slice(-3, None)))
    steps = np.arange(-margin + 2, margin - 1)
    slopes = 2.0 * steps / width
    cover = np.empty((len(slopes), height), np.int64)
    rows = np.arange(height)[:, None] + margin
    for number, slope in enumerate(slopes):
        along = padded[rows + np.rint(slope * centres).astype(int), np.arange(strips)]  # (H, S)
        shift = round(slope * width / 2)
        cover[number] = along.sum(axis=1) * (begins[rows[:, 0] - shift] & ends[rows[:, 0] + shift])
    found = []
    columns = np.arange(width) - width / 2
    while cover.max() >= MIN_COVER * width:
        number, row = map(int, np.unravel_index(cover.argmax(), cover.shape))
        course = np.clip(np.rint(row + slopes[number] * columns).astype(int), 0, height - 1)
        thickness = _thickness(ridges, course)
        found.append((course, thickness))
        reach = thickness + 3
        low = max(0, row - reach)
        cover[:, low : row + reach + 1] = 0
    return found


def _thickness(ridges: np.ndarray, course: np.ndarray) -> int:
    """Thickness of the line in rows of the mask (H, W), median over the columns (W,) on which it is seen."""
    height, width = ridges.shape
    most = max(3, int(THICKEST * max(height, width))) + 2
    near = np.arange(-most, most + 1)[:, None]
    window = ridges[np.clip(course + near, 0, height - 1), np.arange(width)]  # (2 most + 1, W)
    seen = window[most - 1 : most + 2].any(axis=0)
    return int(np.median(window[:, seen].sum(axis=0))) if seen.any() else 1


def _erased(planes: np.ndarray, course: np.ndarray, thickness: int, contrast: float) -> np.ndarray:
    """The image (C, H, W) without the line: ink that is darker than it stays, and strokes that cross it go on."""
    height, width = planes.shape[1:]
    reach = thickness // 2 + 3
    columns = np.arange(width)
    near = np.clip(course + np.arange(1 - reach, reach)[:, None], 0, height - 1)  # (2 reach - 1, W)
    colour = np.median(planes[:, near, columns].min(axis=1), axis=1)[:, None]  # of the line, (C, 1)
    above = planes[:, np.clip(course - reach, 0, height - 1), columns].astype(np.float32)  # (C, W)
    below = planes[:, np.clip(course + reach, 0, height - 1), columns].astype(np.float32)
    planes = planes.copy()
    for offset in range(1 - reach, reach):
        rows = course + offset
        there = (rows >= 0) & (rows < height)
        mixed = _crossing(above, below, (offset + reach) / (2 * reach), reach)
        was = planes[:, rows[there], columns[there]]
        is_ink = (colour - was > contrast).any(axis=0)
        planes[:, rows[there], columns[there]] = np.where(is_ink, was, mixed[:, there].astype(np.uint8))
    return planes


def _crossing(above: np.ndarray, below: np.ndarray, share: float, reach: int) -> np.ndarray:
    """Pixels between two rows (C, W), at a share of the way down, where strokes cross at any slant: float32 (C, W).

    A stroke is dark on both rows, so for each slant the lighter of its two ends counts, and of all slants the darkest.
    """
    width = above.shape[1]
    columns = np.arange(width)
    between = (1 - share) * above + share * below
    for slant in range(-2 * reach, 2 * reach + 1):  # columns from the upper to the lower end
        start = columns - round(slant * share)
        there = (start >= 0) & (start < width) & (start + slant >= 0) & (start + slant < width)
        start = start[there]
        stroke = np.maximum(above[:, start], below[:, start + slant])
        between[:, there] = np.minimum(between[:, there], stroke)
    return between
