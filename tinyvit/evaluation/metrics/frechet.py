"""Fréchet distance of two sets of features, each taken as a normal distribution: FID, with features of any network.

    d² = |mean1 - mean2|² + tr(C1 + C2 - 2 (C1 C2)^½)

It is 0 for two sets of the same mean and covariance. From few samples it comes out too large, the more so the more
features there are: so it is read beside the distance of two sets of real images, of the same numbers.

Source: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule ...", arXiv:1706.08500, section 4; Dowson,
Landau 1982, "The Fréchet distance between multivariate normal distributions".
"""

import numpy as np

from ...errors import UserError


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared Fréchet distance of features (n, D) and (m, D), floats or integers; at least 0, computed in float64.

    C1 C2 is not symmetric, but with R = C1^½ it has the eigenvalues of R C2 R, which is, and positive: the trace of its
    root is the sum of their roots. Two eigenvalue problems, and no root of a matrix that is not symmetric.

    Raises:
        UserError: the shapes do not fit, a set has fewer than two samples, or a feature is no finite number.
    """
    for features in (first, second):
        if features.ndim != 2 or len(features) < 2 or features.shape[1] != first.shape[1] or not features.size:
            raise UserError(
                f"features must be (n, D) and (m, D) of at least two samples each, got {first.shape} and "
                f"{second.shape}: give two such arrays"
            )
        if not np.isfinite(features).all():
            raise UserError("a feature is no finite number, so there is no distance: leave out samples with NaN")
    (mean1, C1), (mean2, C2) = moments(first), moments(second)
    variances, axes = np.linalg.eigh(C1)
    root = (axes * np.sqrt(variances.clip(0))) @ axes.T
    roots = np.sqrt(np.linalg.eigvalsh(root @ C2 @ root).clip(0))
    distance = ((mean1 - mean2) ** 2).sum() + C1.trace() + C2.trace() - 2 * roots.sum()
    return max(0.0, float(distance))


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and covariance (D, D), divided by n - 1, of features (n, D); float64."""
    centred = features.astype(np.float64)
    mean = centred.mean(axis=0)
    centred -= mean
    return mean, centred.T @ centred / (len(features) - 1)
