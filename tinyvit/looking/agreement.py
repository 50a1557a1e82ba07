"""Agreement of two maps: Spearman's rank correlation, which asks for the order of patches alone."""

import numpy as np


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two arrays of as many values: 1 where they are in the same order, -1 in reverse.

    Equal values share the mean of their ranks; the result is Pearson's correlation of the ranks. NaN where all values
    of one are equal: then there is no order to compare.
    Source: Spearman 1904, "The Proof and Measurement of Association between Two Things".
    """
    ranks = [_ranks(np.ravel(x)) for x in (a, b)]
    x, y = (rank - rank.mean() for rank in ranks)
    length = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / length) if length else float("nan")


def _ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 1, float64; those of equal values are their mean."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]
