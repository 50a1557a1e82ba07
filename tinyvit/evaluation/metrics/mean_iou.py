"""Mean IoU of a segmentation: how much of what is of a class, or is said to be, is both.

    IoU_k = TP_k / (TP_k + FP_k + FN_k),   counted over all pixels of a whole split, not image by image

An image without a 7 says nothing about sevens, and one with a few pixels of a 7 little: so the pixels of all images are
counted in one confusion matrix, and the quotient is taken once.
Source: Everingham et al. 2015, "The PASCAL Visual Object Classes Challenge: A Retrospective", section 3.4; the Jaccard
index of scikit-learn (`jaccard_score`) and torchmetrics.
"""

import numpy as np

from ...backend import bincount


def confusion_matrices(masks: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Count of pixels of each image: int64 (n, K, K), rows true classes, columns predicted ones.

    Args:
        masks, predictions: integers (n, ...); a pixel whose true class is not in 0..K-1 is not counted.
    """
    n, K = len(masks), num_classes
    masks, predictions = (x.reshape(n, -1).astype(np.int64) for x in (masks, predictions))
    cells = (np.arange(n)[:, None] * K + masks) * K + predictions
    counted = cells[(masks >= 0) & (masks < K)]
    return bincount(counted, minlength=n * K * K).reshape(n, K, K)


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """Confusion matrix (K, K) -> the IoU of each class, float64 (K,); NaN where it is neither true nor predicted."""
    right, either = np.diagonal(confusion), confusion.sum(axis=0) + confusion.sum(axis=1) - np.diagonal(confusion)
    return np.where(either > 0, right / np.maximum(either, 1), np.nan)


def mean_iou(confusion: np.ndarray) -> float:
    """Mean of the IoU of the classes that occur, 0..1; NaN if there is none."""
    iou = class_iou(confusion)
    iou = iou[~np.isnan(iou)]
    return float(iou.mean()) if iou.size else float("nan")
