"""Non-maximum suppression: of boxes that overlap much, all are of one thing, and only the surest is kept.

Source: Viola, Jones 2004, "Robust Real-Time Face Detection", section 5.6; as `torchvision.ops.nms` does it, for each
image of a batch at once.
"""

import numpy as np

from ...datasets.boxes import pairwise_iou


def suppress_overlaps(boxes: np.ndarray, scores: np.ndarray, *, max_iou: float, min_score: float) -> np.ndarray:
    """Boxes to keep, booleans (n, L): in falling order of their scores (of equal ones, the first), those that overlap
    none that is kept already by more than `max_iou`.

    Args:
        boxes: (n, L, 4), x1 y1 x2 y2.
        scores: (n, L); boxes below `min_score` are not kept. NaN is below all.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    boxes = np.take_along_axis(boxes, order[..., None], axis=1)
    alive = np.take_along_axis(scores, order, axis=1) >= min_score
    for i in range(boxes.shape[1]):
        if not alive[:, i:].any():
            break
        overlap = pairwise_iou(boxes[:, i : i + 1], boxes[:, i + 1 :])[:, 0]  # (n, L - i - 1), with those less sure
        alive[:, i + 1 :] &= ~(alive[:, i, None] & (overlap > max_iou))
    kept = np.zeros_like(alive)
    np.put_along_axis(kept, order, alive, axis=1)
    return kept
