"""Continual learning: what is left of earlier tasks, from a matrix of accuracies.

    matrix[i, j] = accuracy on task j after learning task i
    average accuracy = mean_j matrix[T-1, j]      forgetting = mean_j<T-1 (max_i<T-1 matrix[i, j] - matrix[T-1, j])

Source: Lopez-Paz, Ranzato 2017, arXiv:1706.08840, section 2.2 (the matrix); Chaudhry et al. 2018, "Riemannian Walk for
Incremental Learning", arXiv:1801.10112, section 3.2 (forgetting).
"""

import numpy as np


def average_accuracy(matrix: np.ndarray) -> float:
    """Mean accuracy over the tasks learned so far: (t, T) -> of the last row, the first t entries."""
    return float(matrix[-1, : len(matrix)].mean()) if len(matrix) else 0.0


def forgetting(matrix: np.ndarray) -> float:
    """Mean loss of accuracy of the tasks before the last one, from their best to the end: (t, T); 0 for one task."""
    t = len(matrix)
    if t < 2:
        return 0.0
    return float((matrix[:-1, : t - 1].max(axis=0) - matrix[-1, : t - 1]).mean())
