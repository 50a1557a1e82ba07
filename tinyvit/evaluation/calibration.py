"""Calibration: confidence against accuracy, in bins. Is a model right as often as it says?"""

from typing import NamedTuple

import numpy as np

from ..backend import bincount

NUM_BINS = 15


class Calibration(NamedTuple):
    """Images sorted into M bins of equal width by confidence, the probability of the class that was predicted.

    Bin m = 1..M holds confidences above (m - 1) / M, up to m / M.
    """

    counts: np.ndarray  # int64 (M,): images in each bin
    confidence: np.ndarray  # float64 (M,), their mean confidence; 0 in an empty bin
    accuracy: np.ndarray  # float64 (M,), the share of them that is right; 0 in an empty bin
    error: float  # the expected calibration error, 0..1


def calibration(confidence: np.ndarray, right: np.ndarray, *, num_bins: int = NUM_BINS) -> Calibration:
    """Confidence against accuracy, and the expected calibration error:

        ECE = Σ_m n_m / n |accuracy_m - confidence_m|

    A model is calibrated if, of the images where it gives 80 % to a class, 80 % are of that class: then ECE is 0, but
    for chance. Within a bin, too much confidence makes up for too little.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, equation 3.

    Args:
        confidence: (n,), n > 0, the largest probability of each image, 0..1.
        right: bool (n,), whether its class is the true one.
        num_bins: M.
    """
    confidence = np.asarray(confidence, np.float64)
    upper = np.arange(1, num_bins) / num_bins  # the end of each bin but the last, which takes what rounding put above 1
    bins = np.searchsorted(upper, confidence)
    counts = bincount(bins, minlength=num_bins)
    sums = np.stack([bincount(bins, values, num_bins) for values in (confidence, right)])  # (2, M)
    means = sums / np.maximum(counts, 1)
    error = float(counts @ np.abs(means[1] - means[0])) / len(confidence)
    return Calibration(counts, means[0], means[1], error)
