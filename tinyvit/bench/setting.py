"""Setting of a comparison, common to both sides: the batch, the initial weights, and what is measured."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..backend import generator
from ..config import ViTConfig
from ..datasets import Dataset, Split
from ..vit import VisionTransformer

LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.05
MEAN, STD = 0.5, 0.5
STEP = "train step"


class Side(NamedTuple):
    """One side, ready to run."""

    runs: Mapping[str, Callable[[], Any]]  # what can be timed: `STEP` and inference
    gradients: Callable[[], tuple[float, Mapping[str, np.ndarray]]]  # of the first step: its loss, and each by name
    workers: Callable[[], list[int]]  # ids of processes besides the own one
    close: Callable[[], None]


def one_batch(config: ViTConfig, batch_size: int) -> Dataset:
    """Random images and labels, as many as one batch takes."""
    rng = generator(0, "bench")
    images = rng.integers(0, 256, (batch_size, config.in_chans, *config.image_shape), np.uint8)
    split = Split(images, rng.integers(0, config.num_classes, batch_size))
    return Dataset("random", tuple(map(str, range(config.num_classes))), MEAN, STD, split, split, split)


def new_model(config: ViTConfig) -> VisionTransformer:
    """The same weights on every side."""
    return VisionTransformer(config, rng=np.random.default_rng(0))


def inference_runs(predict: Callable[[np.ndarray], Any], images: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Inference on one image, and on all of them."""
    return {f"inference, batch {n}": partial(predict, images[:n]) for n in (1, len(images))}
