"""How good a model is on a split: loss, accuracy, and every probability for those who want to look closer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..backend import to_device, to_numpy
from ..datasets import Dataset, Images, Split, batches, normalize
from ..ops import softmax_forward
from ..vit import VisionTransformer

BATCH_SIZE = 250
BATCH_NUMBERS = 2**22  # pixels of a batch, so that large images come in smaller batches


class Evaluation(NamedTuple):
    loss: float  # mean cross-entropy in nats, without label smoothing
    accuracy: float  # 0..1
    probs: np.ndarray  # (n, K) float32
    predictions: np.ndarray  # (n,) int64

    @property
    def confidence(self) -> np.ndarray:
        """The probabilities of the predictions, (n,)."""
        return self.probs.max(axis=1)


def usual_batch_size(model: VisionTransformer) -> int:
    """How many images at once keep memory small and the cores busy."""
    return max(1, min(BATCH_SIZE, BATCH_NUMBERS // math.prod(model.config.input_shape)))


def predict_batch(
    model: VisionTransformer, images: np.ndarray, mean: float | Sequence[float], std: float | Sequence[float]
) -> np.ndarray:
    """uint8 (B, C, H, W) -> probabilities (B, K), all at once, on the model's device."""
    x = normalize(images, mean, std, model.dtype)
    return to_numpy(softmax_forward(model.predict(to_device(x, model.device)))[0])


def predict_probs(
    model: VisionTransformer, images: Images, mean: float | Sequence[float], std: float | Sequence[float]
) -> np.ndarray:
    """uint8 (n, C, H, W), in memory or on disk -> probabilities (n, K) float32, in batches, on the model's device."""
    everything = Split(images, np.zeros(len(images), np.int64))
    parts = [predict_batch(model, batch, mean, std) for batch, _ in batches(everything, usual_batch_size(model))]
    return np.concatenate(parts)


def evaluate(model: VisionTransformer, split: Split, dataset: Dataset) -> Evaluation:
    """Loss and accuracy of `model` on `split`, whose pixels are normalised as `dataset` says."""
    return judge(predict_probs(model, split.images, dataset.mean, dataset.std), split.labels)


def judge(probs: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Probabilities (n, K) against the true classes (n,)."""
    predictions = probs.argmax(axis=1)
    loss = mean_cross_entropy(probs[np.arange(len(labels)), labels])
    return Evaluation(loss, float((predictions == labels).mean()), probs, predictions)


def mean_cross_entropy(of_labels: np.ndarray) -> float:
    """Of the probabilities of the true classes (n,), in nats."""
    return float(-np.log(np.maximum(of_labels, np.finfo(np.float32).tiny), dtype=np.float64).mean())
