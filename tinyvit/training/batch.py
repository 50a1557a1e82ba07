"""From a shuffled split to what one step eats."""

from typing import Any

import numpy as np

from ..datasets import Dataset, normalize, random_affine, random_shift
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
        images = random_affine(
            images,
            rng,
            degrees=config.degrees,
            translate=config.translate,
            scale=config.scale,
            shear=config.shear,
        )
    return normalize(images, dataset.mean, dataset.std), dataset.train.labels[chosen]
