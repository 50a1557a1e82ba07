"""Linear probe: how well a linear classifier does on features that stay as they are.

Multinomial logistic regression on standardised features x, with an L2 penalty on the weights:

    loss = mean cross-entropy(x W + b) + λ/2 ‖W‖²

It is convex, so there is one answer, found by accelerated gradient descent with steps of 1/L: L bounds the curvature.
Source: Alain, Bengio 2016, "Understanding intermediate layers using linear classifier probes", arXiv:1610.01644;
Nesterov 2004, "Introductory Lectures on Convex Optimization", section 2.2.
"""

import numpy as np

from ...errors import UserError
from ...ops import cross_entropy_backward, cross_entropy_forward

PENALTY = 0.01  # λ
STEPS = 1000


def linear_probe(
    features: np.ndarray,
    labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    *,
    penalty: float = PENALTY,
    steps: int = STEPS,
) -> float:
    """The accuracy on the test features, 0..1, of a linear classifier of the others.

    Args:
        features, test_features: (n, D) and (m, D), floats.
        labels, test_labels: classes, integers (n,) and (m,).
        penalty: λ.

    Raises:
        UserError: the shapes do not fit.
    """
    check_features(features, labels, test_features, test_labels)
    mean, std = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1e-6
    x, test = ((part - mean) / std for part in (features, test_features))
    weight, bias = fitted_weights(
        x, labels, int(max(labels.max(), test_labels.max())) + 1, penalty=penalty, steps=steps
    )
    return float(((test @ weight + bias).argmax(axis=1) == test_labels).mean())


def fitted_weights(
    x: np.ndarray, labels: np.ndarray, num_classes: int, *, penalty: float = PENALTY, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """weight (D, K) and bias (K,) of the least loss, float64."""
    with_one = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    theta = ahead = np.zeros((with_one.shape[1], num_classes))
    decay = np.full((len(theta), 1), penalty)
    decay[-1] = 0.0  # the bias is free
    curvature = 0.5 * np.linalg.norm(with_one, ord=2) ** 2 / len(x) + penalty
    ratio = np.sqrt(penalty / curvature)
    momentum = (1 - ratio) / (1 + ratio)
    for _ in range(steps):
        _, saved = cross_entropy_forward(with_one @ ahead, labels=labels)
        gradient = with_one.T @ cross_entropy_backward(1.0, saved) + decay * ahead
        before, theta = theta, ahead - gradient / curvature
        ahead = theta + momentum * (theta - before)
    return theta[:-1], theta[-1]


def check_features(
    features: np.ndarray, labels: np.ndarray, test_features: np.ndarray, test_labels: np.ndarray
) -> None:
    """Check that rows and columns fit together.

    Raises:
        UserError: they do not.
    """
    shapes = [part.shape for part in (features, labels, test_features, test_labels)]
    rows_fit = len(features) == len(labels) > 0 and len(test_features) == len(test_labels) > 0
    if not rows_fit or features.ndim != 2 or features.shape[1:] != test_features.shape[1:]:
        raise UserError(f"a probe takes features (n, D), labels (n,), features (m, D), labels (m,), got {shapes}")
