"""How good a model is on a split: loss, accuracy, and every probability for those who want to look closer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..backend import device_of, to_device, to_numpy
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


def predict_probs(
    model: VisionTransformer, images: Images, mean: float | Sequence[float], std: float | Sequence[float]
) -> np.ndarray:
    """uint8 (n, C, H, W), in memory or on disk -> probabilities (n, K) float32, in batches, on the model's device."""
    device, dtype = device_of(model.cls_token), model.cls_token.dtype
    everything = Split(images, np.zeros(len(images), np.int64))
    parts = []
    batch_size = max(1, min(BATCH_SIZE, BATCH_NUMBERS // math.prod(model.config.input_shape)))
    for batch, _ in batches(everything, batch_size):
        logits = model.predict(to_device(normalize(batch, mean, std, dtype), device))
        parts.append(to_numpy(softmax_forward(logits)[0]))
    return np.concatenate(parts)


def evaluate(model: VisionTransformer, split: Split, dataset: Dataset) -> Evaluation:
    """Loss and accuracy of `model` on `split`, whose pixels are normalised as `dataset` says."""
    return judge(predict_probs(model, split.images, dataset.mean, dataset.std), split.labels)


def judge(probs: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Probabilities (n, K) against the true classes (n,)."""
    of_label = probs[np.arange(len(labels)), labels]
    loss = float(-np.log(np.maximum(of_label, np.finfo(np.float32).tiny), dtype=np.float64).mean())
    predictions = probs.argmax(axis=1)
    return Evaluation(loss, float((predictions == labels).mean()), probs, predictions)
