"""Canvases: several small images, such as digits, pasted onto a black one, with the class of each pixel and boxes.

Data for segmentation and detection, made on the fly from those of a classification. Each is turned a little, made
smaller or larger, and put where it hardly covers those that are there already; where there is no such place, it is
left out.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ..images.augment import inverse_maps, warp_affine
from .boxes import NO_CLASS, pairwise_iou

INK = 64  # what is brighter is the digit, not the background
MAX_DIGITS = 4
SCALE = (0.7, 1.3)
DEGREES = 9.0
MAX_OVERLAP = 0.05  # IoU of two boxes
TRIES = 12  # places that are tried for each digit


class Canvases(NamedTuple):
    """B images and their truth."""

    images: np.ndarray  # uint8 (B, C, H, W)
    masks: np.ndarray  # int16 (B, H, W), 0 for background, k + 1 for class k
    boxes: np.ndarray  # float32 (B, M, 5): x1 y1 x2 y2 around the ink, and the class; NO_CLASS where there is no box


class _Pieces(NamedTuple):
    """T digits, each in the middle of a square of its own."""

    images: np.ndarray  # float32 (T, C, S, S)
    ink: np.ndarray  # booleans (T, S, S)
    boxes: np.ndarray  # integers (T, 4), around the ink; without an area if there is none


def canvases(
    images: Any,
    labels: np.ndarray,
    chosen: np.ndarray,
    rng: Any,
    *,
    size: tuple[int, int],
    max_digits: int = MAX_DIGITS,
) -> Canvases:
    """Compose one canvas for each of the images `chosen`: that one, and up to `max_digits` - 1 others of any index.

    Args:
        images: uint8 (n, C, h, w).
        labels: integers (n,).
        chosen: indices (B,).
        rng: a `np.random.Generator`, or what draws like one for examples as the first axis.
        size: (H, W) of the canvases.
    """
    B, M = len(chosen), max_digits
    counts = rng.integers(1, M + 1, (B,))
    members = rng.integers(0, len(labels), (B, M))
    how = rng.random((B, M, 2 + 2 * TRIES))  # drawn for all M, so that a batch's numbers do not depend on its counts
    members[:, 0] = chosen
    of_canvas, place = np.nonzero(np.arange(M) < counts[:, None])  # (T,) each, canvas by canvas
    chance = how[of_canvas, place]
    pieces = _warped(images, members[of_canvas, place], chance)
    classes = labels[members[of_canvas, place]]

    H, W = size
    canvas = np.zeros((B, pieces.images.shape[1], H, W), np.float32)
    masks = np.zeros((B, H, W), np.int16)
    boxes = np.zeros((B, M, 5), np.float32)
    boxes[..., 4] = NO_CLASS
    for m in range(M):
        rows = np.flatnonzero(place == m)
        corners, fits = _places(pieces.boxes[rows], chance[rows, 2:], boxes[of_canvas[rows], :, :4], size)
        for t, (left, top, right, bottom) in zip(rows[fits], corners[fits], strict=True):
            b, (x1, y1, x2, y2) = of_canvas[t], pieces.boxes[t]
            piece, here = pieces.images[t, :, y1:y2, x1:x2], canvas[b, :, top:bottom, left:right]
            over = pieces.ink[t, y1:y2, x1:x2] & (piece.max(axis=0) >= here.max(axis=0))
            np.maximum(here, piece, out=here)
            masks[b, top:bottom, left:right][over] = classes[t] + 1
            boxes[b, m] = left, top, right, bottom, classes[t]
    return Canvases(np.rint(canvas).astype(np.uint8), masks, boxes)


def _warped(images: Any, members: np.ndarray, chance: np.ndarray) -> _Pieces:
    """The images `members` (T,), each turned and scaled as the first two of its numbers say."""
    small = images[members]
    T, C, h, w = small.shape
    side = math.ceil(SCALE[1] * max(h, w))
    top, left = (side - h) // 2, (side - w) // 2
    square = np.zeros((T, C, side, side), np.uint8)
    square[:, :, top : top + h, left : left + w] = small
    angle = math.radians(DEGREES) * (2.0 * chance[:, 0] - 1.0)
    scale = SCALE[0] + (SCALE[1] - SCALE[0]) * chance[:, 1]
    none = np.zeros(T)
    warped = warp_affine(square, inverse_maps(angle, none, none, scale, none))
    ink: np.ndarray = np.any(warped > INK, axis=1)
    boxes = np.zeros((T, 4), np.int64)
    for axis, edge in ((1, 0), (2, 1)):  # columns for x, rows for y
        line: np.ndarray = np.any(ink, axis=axis)
        boxes[:, edge] = line.argmax(axis=1)
        boxes[:, edge + 2] = np.where(line.any(axis=1), side - line[:, ::-1].argmax(axis=1), boxes[:, edge])
    return _Pieces(warped, ink, boxes)


def _places(
    boxes: np.ndarray, chance: np.ndarray, others: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """For each box (n, 4) the first of its random places that hardly overlaps the others (n, M, 4) of its canvas.

    Returns:
        corners: integers (n, 4).
        fits: booleans (n,), whether there is such a place, and anything to put there.
    """
    n, sides = len(boxes), boxes[:, 2:] - boxes[:, :2]  # (n, 2): width, height
    room = np.array([size[1], size[0]]) - sides + 1
    low = (chance.reshape(n, TRIES, 2) * room[:, None]).astype(np.int64)
    tried = np.concatenate([low, low + sides[:, None]], axis=2)
    is_free = pairwise_iou(tried.astype(np.float32), others).max(axis=2) < MAX_OVERLAP  # (n, TRIES)
    corners = tried[np.arange(n), is_free.argmax(axis=1)]
    return corners, is_free.any(axis=1) & (sides > 0).all(axis=1) & (room > 0).all(axis=1)
