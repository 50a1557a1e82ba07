"""Tasks whose models say a class for each of several tokens: words of a sentence, digits of a row. Loss and answers."""

from typing import Any, ClassVar

import numpy as np

from ..backend import Array, array_module, to_device, to_numpy
from ..config.run import RunConfig
from ..evaluation.predict import BATCH_SIZE
from ..layers import EncoderWithHead, Grads
from ..ops import cross_entropy_backward, cross_entropy_forward
from .task import Batch, Task


class TokenTask(Task[EncoderWithHead]):
    """A batch is what the encoder takes, and labels, integers (B, M), below 0 where there is nothing to say."""

    unused: ClassVar[tuple[str, ...]] = ("class_weights",)

    def loss_and_gradients(
        self,
        config: RunConfig,
        model: EncoderWithHead,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Grads]:
        return token_loss(config, model, batch, share=share, weights=weights, rng=rng)


def token_loss(
    config: RunConfig, model: EncoderWithHead, batch: Batch, *, share: float, weights: Array | None, rng: Any
) -> tuple[Array, Grads]:
    """Mean cross-entropy over the labelled tokens of each example, then over the examples; and the gradients of it.

    Were it the mean over all tokens of a batch, long examples would count more, and pieces would not add up.

    Args:
        batch: what the encoder takes, and labels, integers (B, M), below 0 where there is nothing to say.
        share, weights, rng: as in `Task.loss_and_gradients`.
    """
    x, labels = batch
    logits, saved = model.forward(x, rng=rng)  # (B, M, K)
    B, M, K = logits.shape
    loss, loss_saved = cross_entropy_forward(
        logits.reshape(B * M, K),
        labels=known(labels),
        weights=token_weights(labels, weights).astype(logits.dtype),
        label_smoothing=config.label_smoothing,
    )
    _, grads = model.backward(cross_entropy_backward(share, loss_saved).reshape(B, M, K), saved)
    return loss, grads


def token_weights(labels: Array, weights: Array | None = None) -> Array:
    """Weights (B * M,) of tokens, adding up to one: of each example its weight, shared by its labelled tokens."""
    xp = array_module(labels)
    there = (labels >= 0).astype("float64")
    of_examples = 1.0 / len(labels) if weights is None else weights[:, None]
    return (there / xp.maximum(there.sum(axis=1, keepdims=True), 1) * of_examples).reshape(-1)


def known(labels: Array) -> Array:
    """Labels (B * M,), 0 where there was nothing to say."""
    return array_module(labels).maximum(labels, 0).reshape(-1)


def token_answers(model: EncoderWithHead, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Predicted classes of all tokens and the mean loss of each example: float32 (n, M + 1)."""
    parts = []
    for first in range(0, len(x), BATCH_SIZE):
        rows = slice(first, first + BATCH_SIZE)
        logits = to_numpy(model.forward(to_device(x[rows], model.device))[0]).astype(np.float64)  # (B, M, K)
        log_probs = logits - logits.max(axis=2, keepdims=True)
        log_probs -= np.log(np.exp(log_probs).sum(axis=2, keepdims=True))
        of_label = np.take_along_axis(log_probs, np.maximum(labels[rows], 0)[..., None].astype(np.int64), axis=2)
        there = labels[rows] >= 0
        losses = -(of_label[..., 0] * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        parts.append(np.concatenate([logits.argmax(axis=2), losses[:, None]], axis=1))
    return np.concatenate(parts).astype(np.float32)
