"""Where the ink is in a grey picture of paper: background away, specks away, thin strokes made as thick as MNIST's."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

LEAST_CONTRAST = 16.0  # grey levels of 255 between ink and background; what differs by less is background
LEAST_EXTENT = 0.03  # longer side of the ink over the longer side of the picture; what is smaller is dust
STROKE = 0.11  # width of a stroke over the longer side of its digit, about as in MNIST


class Ink(NamedTuple):
    digit: np.ndarray  # (h, w) cropped to the ink, 0 where there is paper, 1 where there is full ink
    is_dark: bool  # the ink was darker than the paper
    was_thin: bool  # strokes much thinner than MNIST's were thickened


def find_ink(grey: np.ndarray) -> Ink | None:
    """The ink in a picture (H, W) of brightness 0..255, or None if there is none to speak of."""
    background, noise = _background(grey)
    darker, lighter = np.maximum(background - grey, 0.0), np.maximum(grey - background, 0.0)
    is_dark = bool(np.sum(darker**2) > np.sum(lighter**2))
    ink = darker if is_dark else lighter
    threshold = max(_otsu_threshold(ink), 5.0 * noise, LEAST_CONTRAST)
    # One pixel of paper all round, so that a stroke ends where the picture does.
    ink, strokes = np.pad(ink, 1), np.pad(_without_specks(ink > threshold), 1)
    if not strokes.any():
        return None
    length = max(side.stop - side.start for side in _bounding_box(strokes))
    if length < LEAST_EXTENT * max(grey.shape):
        return None
    # Stretch: paper to 0, ink to 1. The soft edges of the strokes stay, whatever lies elsewhere goes.
    full = float(np.median(ink[strokes]))
    paper = min(3.0 * noise, 0.5 * threshold)
    near_strokes = _grown(strokes, 1) > 0.0
    digit = np.clip((ink - paper) / (full - paper), 0.0, 1.0) * near_strokes
    missing = STROKE * length - (_stroke_width(near_strokes) - 2.0)  # grown by 1 a stroke has no pinholes
    reach = round(missing / 2) if missing > 0.3 * STROKE * length else 0
    if reach:
        digit, strokes = _grown(digit, reach), _grown(strokes, reach) > 0.0
    return Ink(digit[_bounding_box(strokes)], is_dark, was_thin=reach > 0)


def border_mask(height: int, width: int) -> np.ndarray:
    """Which pixels lie on the border, a twentieth of the shorter side wide: bool (height, width)."""
    depth = max(1, min(height, width) // 20)
    border = np.ones((height, width), dtype=bool)
    border[depth:-depth, depth:-depth] = False
    return border


def _background(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """The background's brightness (H, W), which may change smoothly over the picture, and its noise.

    A quadratic surface is fitted to the border, from its median on; what does not fit, such as ink that touches the
    border, is left out of the next round.
    """
    height, width = grey.shape
    y, x = np.meshgrid(np.linspace(-1.0, 1.0, height), np.linspace(-1.0, 1.0, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)  # (H, W, 6)
    on_border = border_mask(height, width)
    seen, border_terms = grey[on_border], terms[on_border]
    surface = np.zeros(6)
    surface[0] = np.median(seen)
    for _ in range(4):
        error = np.abs(seen - border_terms @ surface)
        fits = error <= 2.5 * 1.5 * np.median(error) + 2.0
        surface = np.linalg.lstsq(border_terms[fits], seen[fits], rcond=None)[0]
    noise = 1.5 * float(np.median(np.abs(seen - border_terms @ surface)))
    return np.clip(terms @ surface, 0.0, 255.0), noise


def _otsu_threshold(values: np.ndarray) -> float:
    """The threshold that best parts values in 0..255 into two groups: largest variance between them (Otsu 1979)."""
    counts = np.bincount(values.astype(np.int64).ravel(), minlength=256).astype(np.float64)
    below, sum_below = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    above, sum_above = below[-1] - below, sum_below[-1] - sum_below
    distance = sum_below / np.maximum(below, 1.0) - sum_above / np.maximum(above, 1.0)
    return float(np.argmax(below * above * distance**2) + 1)


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """`mask` (H, W) with only those connected pieces that have at least 3 % of the pixels of the largest one."""
    width = mask.shape[1] + 2  # one column of air on each side, so that no neighbour wraps around
    around = (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1)
    left = set(np.flatnonzero(np.pad(mask, 1)).tolist())
    pieces = []
    while left:
        piece = [left.pop()]
        for pixel in piece:  # grows while it is walked
            neighbours = [pixel + step for step in around if pixel + step in left]
            left.difference_update(neighbours)
            piece.extend(neighbours)
        pieces.append(piece)
    largest = max(map(len, pieces), default=0)
    kept = np.zeros((mask.shape[0] + 2) * width, dtype=bool)
    for piece in pieces:
        kept[piece] = len(piece) >= 0.03 * largest
    return kept.reshape(-1, width)[1:-1, 1:-1]


def _bounding_box(mask: np.ndarray) -> tuple[slice, slice]:
    """The rows and the columns from the first to the last that have a pixel of `mask`."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _stroke_width(strokes: np.ndarray) -> float:
    """The mean width in pixels: a long stroke of width w and length l has the area w l and the edge 2 l."""
    padded = np.pad(strokes, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & strokes
    area, edge = strokes.sum(), (strokes & ~inside).sum()
    return float(2.0 * area / edge) if area > edge else 1.0


def _grown(values: np.ndarray, reach: int) -> np.ndarray:
    """(H, W) in 0..1: each pixel becomes the largest within `reach` pixels."""
    picture = Image.fromarray(np.rint(255.0 * values).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.MaxFilter(2 * reach + 1))) / 255.0
