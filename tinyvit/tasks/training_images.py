"""Training images of a batch: chosen, augmented, normalised."""

from typing import Any

import numpy as np

from ..config.run import TrainConfig
from ..datasets import Dataset, normalize
from ..images.augment import random_affine, random_affine_maps, random_shift, random_shift_maps


def training_batch(
    config: TrainConfig, dataset: Dataset, chosen: np.ndarray, rng: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The training images with the indices `chosen`: float32 (B, C, H, W), varied and normalised, and labels (B,).

    `rng` is a `np.random.Generator`, or draws like one.
    """
    return training_images(config, dataset, chosen, rng), dataset.train.labels[chosen]


def training_images(config: TrainConfig, dataset: Dataset, chosen: np.ndarray, rng: Any) -> np.ndarray:
    """The images of `training_batch`."""
    return normalize(training_pixels(config, dataset, chosen, rng), dataset.mean, dataset.std)


def training_pixels(config: TrainConfig, dataset: Dataset, chosen: np.ndarray, rng: Any) -> np.ndarray:
    """The same before they are normalised, (B, C, H, W), 0 to 255."""
    images = dataset.train.images[chosen]
    if config.augment == "shift":
        return random_shift(images, rng, pixels=config.shift)
    if config.augment == "affine":
        return random_affine(images, rng, **_affine(config))
    return images


def training_maps(config: TrainConfig, n: int, rng: Any) -> np.ndarray:
    """Affine maps by which `training_batch` augments `n` images with `rng`: (n, 2, 3) for `warp_affine`, float64."""
    if config.augment == "shift":
        return random_shift_maps(n, rng, pixels=config.shift)
    return random_affine_maps(n, rng, **_affine(config))


def _affine(config: TrainConfig) -> dict[str, float]:
    return {name: getattr(config, name) for name in ("degrees", "translate", "scale", "shear")}
