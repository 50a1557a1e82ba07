"""Boxes, each x1 y1 x2 y2 in pixels from the image's top left corner, and how much two of them overlap."""

import numpy as np

NO_CLASS = -1  # of a row that holds no box, where an image has fewer than others


def pairwise_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of each of the boxes (..., n, 4) with each of the others (..., m, 4): (..., n, m).

    0 where neither has an area.
    """
    low = np.maximum(boxes[..., :, None, :2], others[..., None, :, :2])
    sides = np.minimum(boxes[..., :, None, 2:4], others[..., None, :, 2:4]) - low
    inter = np.maximum(sides, 0.0).prod(axis=-1)
    union = areas(boxes)[..., :, None] + areas(others)[..., None, :] - inter
    return inter / np.maximum(union, np.finfo(inter.dtype).tiny)


def areas(boxes: np.ndarray) -> np.ndarray:
    """(..., 4) -> (...)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
