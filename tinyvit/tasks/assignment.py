"""Label assignment in detection: the box that each patch answers for, and how much it counts.

Source: Tian et al. 2019, "FCOS", arXiv:1904.01355, section 3.1, with center sampling (in its later version).
"""

from typing import Any

import numpy as np

from ..backend import Array, array_module
from ..datasets.boxes import NO_CLASS
from ..layers.box_head import patch_middles

NEAR = 0.75  # patches, along each axis: what is so near to the middle of a box answers for it


def assigned(config: Any, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Assign boxes to patches: a patch answers for the one whose middle is nearest, of those that are near, and of each
    box its nearest patch in any case.

    Args:
        boxes: (B, M, 5), x1 y1 x2 y2 and the class, NO_CLASS where there is none.

    Returns:
        classes: int64 (B, L), NO_CLASS where a patch answers for none.
        targets: float32 (B, L, 4); the patch itself where it answers for none.
    """
    P = config.model.patch_size
    middles = patch_middles(config.model.grid_size, P)  # (L, 2)
    of_boxes = (boxes[..., :2] + boxes[..., 2:4]) / 2  # (B, M, 2)
    far = np.abs(middles[:, None] - of_boxes[:, None]).max(axis=-1)  # (B, L, M)
    far[np.broadcast_to(boxes[:, None, :, 4] == NO_CLASS, far.shape)] = np.inf
    answers = np.isfinite(far) & ((far <= NEAR * P) | (far == far.min(axis=1, keepdims=True)))
    far[~answers] = np.inf
    padding = np.full((*boxes.shape[:1], 1, 5), NO_CLASS, boxes.dtype)  # so that there is always one to choose
    far = np.concatenate([far, np.full((*far.shape[:2], 1), np.finfo(far.dtype).max)], axis=2)
    chosen = far.argmin(axis=2)  # (B, L)
    of_patch = np.take_along_axis(np.concatenate([boxes, padding], axis=1), chosen[..., None], axis=1)
    classes = of_patch[..., 4].astype(np.int64)
    own = np.concatenate([middles - P / 2, middles + P / 2], axis=1)
    return classes, np.where(classes[..., None] == NO_CLASS, own, of_patch[..., :4]).astype(np.float32)


def patch_weights(classes: Array, weights: Array | None = None) -> tuple[Array, Array]:
    """Weights of the patches, float64 (B, L): of all, for their scores, and of those that answer, for their boxes.

    Both losses are divided by the number of patches that answer, of each image by itself: by that of the batch, as in
    the papers, pieces of it would not add up.
    """
    xp = array_module(classes)
    answers = classes != NO_CLASS
    of_images = 1.0 / len(classes) if weights is None else weights[:, None]
    each = of_images / xp.maximum(answers.sum(axis=1, keepdims=True), 1)
    return xp.broadcast_to(each, classes.shape), answers * each
