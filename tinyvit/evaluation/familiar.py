"""Out-of-distribution detection: whether a model has learned anything like this, or only has to answer something.

A trained model lays the digits that it knows into a few clouds in the space of its features, one a class; a letter or a
leaf lands between them or far out, where softmax is as certain as anywhere. How far out is measured as Lee et al. do
(2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples", arXiv:1807.03888): by the Mahalanobis
distance to the mean of the class, in standard deviations of a cloud, whose shape (covariance) all classes share.
"""

import copy
from typing import Any, NamedTuple

import numpy as np

from ..backend import bincount, to_device, to_numpy
from ..datasets import load_dataset, normalize
from ..datasets.load import is_at_hand
from ..errors import UserError
from ..layers import Identity
from ..vit import VisionTransformer
from .predict import usual_batch_size

FLAT = 1e-4  # of the largest variance; directions with less are noise
KNOWN, UNSEEN = 600, 300  # digits that the clouds are measured on, and others, not learned, for how far is too far
USUAL = 0.97  # of the unseen digits are nearer than what is too far


class Familiar(NamedTuple):
    """Statistics of a model's classes in feature space, for out-of-distribution detection."""

    means: np.ndarray  # float64 (K, D)
    precision: np.ndarray  # float64 (D, D), the inverse of the covariance within a class
    limit: float  # squared distance; what is farther is like nothing that was learned

    def knows(self, features: np.ndarray, guesses: np.ndarray) -> np.ndarray:
        """Test which features (n, D) lie near enough to the class that was guessed, int (n,): bool (n,)."""
        return self.distances(features, guesses) <= self.limit

    def distances(self, features: np.ndarray, guesses: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances: (x - mean)ᵀ precision (x - mean), float64 (n,)."""
        apart = features - self.means[guesses]
        return np.einsum("nd,de,ne->n", apart, self.precision, apart)


def familiar_digits(model: VisionTransformer, preprocessing: Any) -> Familiar | None:
    """Measured on the data set that the model learned from; nothing is downloaded. None, if it is not on this machine,
    or if the model's numbers overflow.

    Args:
        preprocessing: the model's `Preprocessing`.
    """
    try:
        dataset = load_dataset(preprocessing.dataset) if is_at_hand(preprocessing.dataset) else None
    except UserError:  # damaged; the model can be used without
        return None
    known_as = None if dataset is None else (dataset.class_names, dataset.train.images.shape[1:])
    if dataset is None or known_as != (preprocessing.class_names, model.config.input_shape):
        return None
    rng = np.random.default_rng(0)
    known, unseen = (
        rng.choice(len(split), min(count, len(split)), replace=False)
        for split, count in ((dataset.train, KNOWN), (dataset.dev, UNSEEN))
    )
    learned = features_of(model, preprocessing, dataset.train.images[known])
    if not np.isfinite(learned).all():
        return None
    clouds = measured(learned, dataset.train.labels[known], len(preprocessing.class_names))
    others = clouds.distances(features_of(model, preprocessing, dataset.dev.images[unseen]), dataset.dev.labels[unseen])
    return clouds._replace(limit=float(np.quantile(others, USUAL))) if np.isfinite(others).all() else None


def measured(features: np.ndarray, labels: np.ndarray, num_classes: int) -> Familiar:
    """The clouds of features (n, D) of known labels (n,), without a limit."""
    counts = bincount(labels, minlength=num_classes)
    means = np.zeros((num_classes, features.shape[1]))
    np.add.at(means, labels, features)
    means /= np.maximum(counts, 1)[:, None]
    apart = features - means[labels]
    covariance = apart.T @ apart / len(apart)
    # A pseudo-inverse, as features may not vary in some directions, or in none.
    return Familiar(means, np.linalg.pinv(covariance, rcond=FLAT, hermitian=True), np.inf)


def features_of(model: VisionTransformer, preprocessing: Any, images: np.ndarray) -> np.ndarray:
    """Features before the head of each image, uint8 (n, C, H, W) -> float64 (n, D)."""
    headless = copy.copy(model)  # the same weights
    headless.head = Identity()
    size = usual_batch_size(model)
    parts = [
        normalize(images[at : at + size], preprocessing.mean, preprocessing.std, model.dtype)
        for at in range(0, len(images), size)
    ]
    features = [to_numpy(headless.predict(to_device(part, model.device))) for part in parts]
    return np.concatenate(features).reshape(len(images), -1).astype(np.float64)
