"""Classification: the class of each image, learned by cross-entropy."""

from typing import Any

import numpy as np

from ..backend import Array
from ..config.run import RunConfig, TrainConfig
from ..datasets import Dataset, normalize
from ..evaluation.evaluate import judge
from ..evaluation.predict import predict_probs
from ..evaluation.result import Evaluation
from ..images.augment import random_affine, random_affine_maps, random_shift, random_shift_maps
from ..layers import Gradients
from ..ops import cross_entropy_backward, cross_entropy_forward
from ..vit import VisionTransformer
from .class_weights import example_weights
from .task import ALL, Batch, Task


def loss_and_gradients(
    model: VisionTransformer,
    images: Array,
    labels: Array,
    *,
    label_smoothing: float = 0.0,
    share: float = 1.0,
    weights: Array | None = None,
    rng: Any = None,
) -> tuple[Array, Gradients]:
    """images (B, C, H, W) and labels (B,) -> the mean loss (0-d) and the gradient of share * loss by every parameter.

    A batch can be cut into pieces whose gradients add up to its own, if `share` is each piece's part of the images, or
    of the sum of their `weights` (B,), which add up to one within each piece.
    """
    logits, saved = model.forward(images, rng=rng)
    loss, loss_saved = cross_entropy_forward(logits, labels=labels, weights=weights, label_smoothing=label_smoothing)
    _, grads = model.backward(cross_entropy_backward(share, loss_saved), saved)
    return loss, grads


class Classify(Task[VisionTransformer]):
    """One class for each image; a batch is images (B, C, H, W) and labels (B,), an answer is K probabilities."""

    def build(self, config: RunConfig, rng: np.random.Generator) -> VisionTransformer:
        return VisionTransformer(config.model, rng=rng)

    def example_weights(self, config: RunConfig, dataset: Dataset, chosen: np.ndarray) -> np.ndarray | None:
        return None if config.class_weights is None else example_weights(config, dataset.train.labels[chosen])

    def batch(self, config: TrainConfig, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        return training_batch(config, dataset, chosen, rng)

    def loss_and_gradients(
        self,
        config: RunConfig,
        model: VisionTransformer,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Gradients]:
        images, labels = batch
        smoothing = config.label_smoothing
        return loss_and_gradients(
            model, images, labels, label_smoothing=smoothing, share=share, weights=weights, rng=rng
        )

    def answer_size(self, config: RunConfig) -> int:
        return config.model.num_classes

    def answers(self, config: RunConfig, model: VisionTransformer, dataset: Dataset, rows: slice) -> np.ndarray:
        images = dataset.dev.images if rows == ALL else dataset.dev.images[rows]
        return predict_probs(model, images, dataset.mean, dataset.std, multi_label=dataset.multi_label)

    def judge(self, answers: np.ndarray, dataset: Dataset) -> Evaluation:
        return judge(answers, dataset.dev.labels)


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
    """Affine maps by which `training_batch` augments `n` images with `rng`: (n, 2, 3) for `warp_affine`, float64."""
    if config.augment == "shift":
        return random_shift_maps(n, rng, pixels=config.shift)
    return random_affine_maps(n, rng, **_affine(config))


def _affine(config: TrainConfig) -> dict[str, float]:
    return {name: getattr(config, name) for name in ("degrees", "translate", "scale", "shear")}
