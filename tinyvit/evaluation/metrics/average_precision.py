"""Average precision of boxes as COCO computes it: of each class, and at IoU thresholds from 0.5 to 0.95.

A box is right if its IoU with a true box of its class, in its image, reaches the threshold; each true box is found
once, by the surest. By falling score, precision and recall are drawn as a curve; precision is made to fall with rising
recall (from the right, each place takes the best that comes), and read off at the 101 recalls 0, 0.01, ..., 1.
Source: Lin et al. 2014, "Microsoft COCO", arXiv:1405.0312; cocodataset.org, "Detection Evaluate"; `COCOeval` of
pycocotools, whose ties are decided alike: the earlier image first, and of equal overlaps the last true box.
"""

import numpy as np

from ...datasets.boxes import NO_CLASS, pairwise_iou

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)


def average_precision(
    boxes: np.ndarray,
    classes: np.ndarray,
    scores: np.ndarray,
    truth: np.ndarray,
    *,
    num_classes: int,
    thresholds: np.ndarray = THRESHOLDS,
) -> np.ndarray:
    """Average precision (T, K) at each threshold, of each class; NaN of a class without a true box.

    Args:
        boxes: (n, k, 4), x1 y1 x2 y2, what was found in n images.
        classes: integers (n, k), NO_CLASS where there is no box.
        scores: (n, k).
        truth: (n, M, 5), x1 y1 x2 y2 and the class, NO_CLASS where there is no box.
        thresholds: (T,), of the IoU.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    classes, scores = (np.take_along_axis(x, order, axis=1) for x in (classes, scores))
    boxes = np.take_along_axis(boxes, order[..., None], axis=1)
    hits = matched(boxes, classes, truth, thresholds)  # (T, n, k)
    result = np.full((len(thresholds), num_classes), np.nan)
    for k in range(num_classes):
        support = int((truth[..., 4] == k).sum())
        if support:
            found = classes == k
            by_score = np.argsort(-scores[found], kind="stable")
            result[:, k] = [interpolated(of_one[found][by_score], support) for of_one in hits]
    return result


def matched(boxes: np.ndarray, classes: np.ndarray, truth: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Whether each box, by falling score, finds a true one that is left: booleans (T, n, k)."""
    n, count = classes.shape
    iou = pairwise_iou(boxes.astype(np.float64), truth[..., :4].astype(np.float64))  # (n, k, M)
    same = (classes[:, :, None] == truth[:, None, :, 4]) & (classes != NO_CLASS)[:, :, None]
    iou = np.where(same, iou, -1.0)
    least = np.minimum(thresholds, 1 - 1e-10)[:, None]
    left = np.ones((len(thresholds), n, truth.shape[1]), bool)
    hits = np.zeros((len(thresholds), n, count), bool)
    for place in range(count if truth.shape[1] else 0):
        overlap = np.where(left, iou[:, place], -1.0)  # (T, n, M)
        best = overlap.shape[2] - 1 - overlap[..., ::-1].argmax(axis=2)  # the last of the largest
        hit = np.take_along_axis(overlap, best[..., None], axis=2)[..., 0] >= least
        hits[..., place] = hit
        taken = np.take_along_axis(left, best[..., None], axis=2) & ~hit[..., None]
        np.put_along_axis(left, best[..., None], taken, axis=2)
    return hits


def interpolated(hits: np.ndarray, support: int) -> float:
    """Precision, read off at 101 recalls, of boxes by falling score (m,), right or wrong; of `support` true boxes."""
    right = hits.cumsum()
    precision = right / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / support, RECALLS, side="left")
    return float(np.append(precision, 0.0)[places].mean())  # behind the last there is none: 0
