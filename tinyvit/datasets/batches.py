"""Batches of a split: shuffled and augmented for training, in order for evaluation, normalised."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..backend import Array, generator, like
from ..config.run import TrainConfig
from ..errors import UserError
from ..images.augment import random_affine, random_affine_maps, random_shift, random_shift_maps
from .dataset import Dataset, Split


def epoch_order(n: int, *, seed: int, epoch: int) -> np.ndarray:
    """A permutation of 0..n-1, int64 (n,), made of seed and epoch alone: resuming needs no state."""
    return generator(seed, "shuffle", epoch).permutation(n)


def batches(split: Split, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The split in its own order, as views: images (B, C, H, W) and labels (B,); the last batch may be short.

    Raises:
        UserError: `batch_size` is below 1.
    """
    if batch_size < 1:
        raise UserError(f"the batch size must be 1 or more, got {batch_size}: choose a larger one")
    for start in range(0, len(split), batch_size):
        stop = start + batch_size
        yield split.images[start:stop], split.labels[start:stop]


def normalize(
    images: Array,
    mean: float | Sequence[float],
    std: float | Sequence[float],
    dtype: DTypeLike = np.float32,
) -> Array:
    """(images / 255 - mean) / std, as one multiplication and one subtraction.

    Args:
        images: uint8 or float in 0..255, (B, C, H, W), on any device.
        mean, std: of pixels in 0..1; a number for all channels, or one for each.

    Returns:
        A new array of the same shape, in `dtype`.
    """
    per_channel_mean = np.asarray(mean, np.float64).reshape(-1, 1, 1)
    per_channel_std = np.asarray(std, np.float64).reshape(-1, 1, 1)
    y = images.astype(dtype)
    y *= like((1.0 / (255.0 * per_channel_std)).astype(dtype), y)
    y -= like((per_channel_mean / per_channel_std).astype(dtype), y)
    return y


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
        return random_affine(images, rng, elastic=config.elastic, **_affine(config))
    return images


def training_maps(config: TrainConfig, n: int, rng: Any) -> np.ndarray:
    """Affine maps by which `training_batch` augments `n` images with `rng`: (n, 2, 3) for `warp_affine`, float64.

    Elastic distortion is no affine map: a run with it takes `training_batch`.
    """
    if config.augment == "shift":
        return random_shift_maps(n, rng, pixels=config.shift)
    return random_affine_maps(n, rng, **_affine(config))


def _affine(config: TrainConfig) -> dict[str, float]:
    return {name: getattr(config, name) for name in ("degrees", "translate", "scale", "shear")}
