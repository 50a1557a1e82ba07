"""From a shuffled split to what one step eats."""

from typing import Any

import numpy as np

from ..datasets import Dataset, normalize
from ..images.augment import random_affine, random_affine_maps, random_shift, random_shift_maps
from .config import RunConfig, TrainConfig


def steps_per_epoch(config: RunConfig, dataset: Dataset) -> int:
    """Full batches in the training split; which images are left over changes from epoch to epoch."""
    return max(1, len(dataset.train) // config.batch_size)


def training_batch(
    config: TrainConfig, dataset: Dataset, chosen: np.ndarray, rng: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The training images with the indices `chosen`: float32 (B, C, H, W), varied and normalised, and labels (B,).

    `rng` is a `np.random.Generator`, or draws like one.
    """
    images = dataset.train.images[chosen]
    if config.augment == "shift":
        images = random_shift(images, rng, pixels=config.shift)
    elif config.augment == "affine":
        images = random_affine(images, rng, **_affine(config))
    return normalize(images, dataset.mean, dataset.std), dataset.train.labels[chosen]


def training_maps(config: TrainConfig, n: int, rng: Any) -> np.ndarray:
    """How `training_batch` varies `n` images when it draws from `rng`: maps (n, 2, 3) for `warp_affine`, float64."""
    if config.augment == "shift":
        return random_shift_maps(n, rng, pixels=config.shift)
    return random_affine_maps(n, rng, **_affine(config))


def _affine(config: TrainConfig) -> dict[str, float]:
    return {name: getattr(config, name) for name in ("degrees", "translate", "scale", "shear")}
