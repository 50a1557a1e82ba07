"""Classification: the class of each image, learned by cross-entropy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Array
from ..config.run import FinetuneConfig, RunConfig, TrainConfig
from ..datasets import Dataset
from ..datasets.batches import training_batch
from ..evaluation.classifier import load_trained
from ..evaluation.evaluate import judge
from ..evaluation.figures import model_figures
from ..evaluation.predict import NoAnswerError, predict_probs
from ..evaluation.preprocessing import THRESHOLD
from ..evaluation.result import Evaluation
from ..layers import Grads
from ..ops import cross_entropy_backward, cross_entropy_forward
from ..vit import VisionTransformer
from .class_weights import example_weights
from .fit import check_classes
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
) -> tuple[Array, Grads]:
    """images (B, C, H, W) and labels (B,) -> the mean loss (0-d) and the gradient of share * loss by every parameter.

    A batch can be cut into pieces whose gradients add up to its own, if `share` is each piece's part of the images, or
    of the sum of their `weights` (B,), which add up to one within each piece.
    """
    logits, saved = model.forward(images, rng=rng)
    loss, loss_saved = cross_entropy_forward(logits, labels=labels, weights=weights, label_smoothing=label_smoothing)
    _, grads = model.backward(cross_entropy_backward(share, loss_saved), saved)
    return loss, grads


def loss_and_parts(
    model: VisionTransformer, images: Array, labels: Array, *, share: float = 1.0, rng: Any = None, **of_the_loss: Any
) -> tuple[Array, Iterator[Grads]]:
    """The same, but the gradients come part by part of the model, each computed when it is asked for."""
    logits, saved = model.forward(images, rng=rng)
    loss, loss_saved = cross_entropy_forward(logits, labels=labels, **of_the_loss)
    parts = model.backward_parts(cross_entropy_backward(share, loss_saved), saved)
    return loss, (grads for _, grads in parts)


class Classify(Task[VisionTransformer]):
    """One class for each image; a batch is images (B, C, H, W) and labels (B,), an answer is K probabilities."""

    def build(self, config: RunConfig, rng: np.random.Generator) -> VisionTransformer:
        return VisionTransformer(config.model, rng=rng)

    def check(self, config: TrainConfig, dataset: Dataset) -> None:
        super().check(config, dataset)
        check_classes(config, dataset)

    def load(self, config: RunConfig, folder: Path) -> VisionTransformer:
        return load_trained(folder)[0]

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
    ) -> tuple[Array, Grads]:
        options: Any = {"label_smoothing": config.label_smoothing, "share": share, "weights": weights, "rng": rng}
        return loss_and_gradients(model, *batch, **options)

    def answer_size(self, config: RunConfig) -> int:
        return config.model.num_classes

    def answers(
        self, config: RunConfig, model: VisionTransformer, dataset: Dataset, split: str, rows: slice
    ) -> np.ndarray:
        images = getattr(dataset, split).images
        images = images if rows == ALL else images[rows]
        return predict_probs(model, images, dataset.mean, dataset.std, multi_label=dataset.multi_label)

    def judge(self, config: RunConfig, answers: np.ndarray, dataset: Dataset, split: str) -> Evaluation:
        if split == "test" and not np.isfinite(answers).all():
            raise NoAnswerError
        threshold = config.threshold if isinstance(config, FinetuneConfig) else THRESHOLD
        return judge(answers, getattr(dataset, split).labels, threshold=threshold)

    def figures(self, config: RunConfig, model: VisionTransformer, dataset: Dataset, split: str) -> dict[str, Any]:
        return model_figures(model, dataset, getattr(dataset, split))
