"""k-nearest-neighbour accuracy: whether images that are alike to a model are of one class. Nothing is trained.

Features are centred on the mean of the bank; nearness is the cosine; each of the k neighbours has one vote.
Source: Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", arXiv:2104.14294, section 4.1.
"""

import numpy as np

from .linear_probe import check_features

NEIGHBOURS = 10
ROWS = 1000  # compared at once


def nearest_neighbours(
    features: np.ndarray, labels: np.ndarray, test_features: np.ndarray, test_labels: np.ndarray, k: int = NEIGHBOURS
) -> float:
    """The accuracy on the test features, 0..1, by votes of the k nearest of the bank; of equal votes, the lower class.

    Args:
        features, labels: of the bank, floats (n, D) and integers (n,).
        test_features, test_labels: (m, D) and (m,).
        k: at most n are asked.

    Raises:
        UserError: the shapes do not fit.
    """
    check_features(features, labels, test_features, test_labels)
    mean, k = features.mean(axis=0, dtype=np.float64), min(k, len(features))
    bank, test = _directions(features - mean), _directions(test_features - mean)
    right = 0
    for start in range(0, len(test), ROWS):
        nearness = test[start : start + ROWS] @ bank.T  # (rows, n)
        nearest = np.argpartition(-nearness, k - 1, axis=1)[:, :k]
        votes = np.eye(int(labels.max()) + 1)[labels[nearest]].sum(axis=1)  # (rows, K)
        right += int((votes.argmax(axis=1) == test_labels[start : start + ROWS]).sum())
    return right / len(test)


def _directions(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
