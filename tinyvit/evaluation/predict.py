"""Prediction: images in, probabilities out, in batches."""

import math
from collections.abc import Sequence

import numpy as np

from ..backend import to_device, to_numpy
from ..datasets import Images, Split, batches, normalize
from ..errors import UserError
from ..ops import sigmoid_forward, softmax_forward
from ..ops.floats import widened
from ..vit import VisionTransformer

BATCH_SIZE = 250
BATCH_NUMBERS = 2**22  # pixels of a batch, so that large images come in smaller batches


class NoAnswerError(UserError):
    """A model's answer is no number."""

    def __init__(self) -> None:
        super().__init__(
            "the model's answer is not a number (NaN): its weights are so large that its activations overflow, as "
            "after a training that diverged; use another copy or an earlier checkpoint"
        )


def usual_batch_size(model: VisionTransformer) -> int:
    """Batch size for inference that keeps memory small and the cores busy."""
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
