"""How good a model is on a split: loss, accuracy, and every probability for those who want to look closer."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..backend import to_device, to_numpy
from ..datasets import Dataset, Images, Split, batches, normalize
from ..errors import UserError
from ..ops import sigmoid_forward, softmax_forward
from ..ops.floats import widened
from ..vit import VisionTransformer
from .multi_label import judge_multi_label
from .report import classification_report, confusion_matrix

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

    @property
    def measures(self) -> dict[str, float]:
        """What decides which epoch is best."""
        return {"dev_accuracy": self.accuracy}

    @property
    def in_words(self) -> str:
        """In a line."""
        return f"accuracy {100 * self.accuracy:.2f} %, loss {self.loss:.4f}"

    def report(self, labels: np.ndarray, class_names: Sequence[str]) -> str:
        """`classification_report` of these predictions."""
        return classification_report(confusion_matrix(labels, self.predictions, len(class_names)), class_names)


class NoAnswerError(UserError):
    """A model's answer is no number."""

    def __init__(self) -> None:
        super().__init__(
            "the model's answer is not a number (NaN): its weights are so large that its numbers overflow, as after a "
            "training that diverged; use another copy or an earlier checkpoint"
        )


def usual_batch_size(model: VisionTransformer) -> int:
    """How many images at once keep memory small and the cores busy."""
    return max(1, min(BATCH_SIZE, BATCH_NUMBERS // math.prod(model.config.input_shape)))


def predict_batch(
    model: VisionTransformer,
    images: np.ndarray,
    mean: float | Sequence[float],
    std: float | Sequence[float],
    *,
    multi_label: bool = False,
) -> np.ndarray:
    """uint8 (B, C, H, W) -> probabilities (B, K), all at once, on the model's device; of one class in each row, or, if
    `multi_label`, of each class by itself; float32 at least; NaN where numbers overflow.
    """
    x = normalize(images, mean, std, model.dtype)
    with np.errstate(all="ignore"):  # NaN in the answers tells it
        logits = widened(model.predict(to_device(x, model.device)))
        return to_numpy((sigmoid_forward if multi_label else softmax_forward)(logits)[0])


def predict_probs(
    model: VisionTransformer,
    images: Images,
    mean: float | Sequence[float],
    std: float | Sequence[float],
    *,
    multi_label: bool = False,
) -> np.ndarray:
    """uint8 (n, C, H, W), in memory or on disk -> probabilities (n, K) float32, in batches, on the model's device."""
    everything = batches(Split(images, np.zeros(len(images), np.int64)), usual_batch_size(model))
    return np.concatenate([predict_batch(model, batch, mean, std, multi_label=multi_label) for batch, _ in everything])


def evaluate(model: VisionTransformer, split: Split, dataset: Dataset, *, threshold: float = 0.5) -> Any:
    """`judge` what `model` says of `split`, whose pixels are normalised as `dataset` says.

    Raises:
        NoAnswerError: an answer is NaN.
    """
    probs = predict_probs(model, split.images, dataset.mean, dataset.std, multi_label=dataset.multi_label)
    if not np.isfinite(probs).all():
        raise NoAnswerError
    return judge(probs, split.labels, threshold=threshold)


def judge(probs: np.ndarray, labels: np.ndarray, *, threshold: float = 0.5) -> Any:
    """Probabilities (n, K) against the true classes (n,): an `Evaluation`; or against booleans (n, K), where a picture
    may be of several classes: a `MultiLabelEvaluation`. What is NaN is wrong, and makes the loss NaN.

    Args:
        threshold: the least probability of a yes, where each class is a yes or no by itself.
    """
    if labels.ndim == 2:
        return judge_multi_label(probs, labels, threshold)
    predictions, of_labels = probs.argmax(axis=1), probs[np.arange(len(labels)), labels]
    right = (predictions == labels) & np.isfinite(of_labels)
    return Evaluation(mean_cross_entropy(of_labels), float(right.mean()), probs, predictions)


def mean_cross_entropy(of_labels: np.ndarray) -> float:
    """Of the probabilities of the true classes (n,), in nats."""
    return float(-np.log(np.maximum(of_labels, np.finfo(np.float32).tiny), dtype=np.float64).mean())
