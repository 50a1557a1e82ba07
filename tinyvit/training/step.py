"""One step of training: forward, loss, backward, step."""

from typing import Any

from ..backend import Array
from ..layers import Gradients
from ..ops import cross_entropy_backward, cross_entropy_forward
from ..optim import Optimizer, clip_by_global_norm
from ..vit import VisionTransformer


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


def train_step(
    model: VisionTransformer,
    optimizer: Optimizer,
    images: Array,
    labels: Array,
    *,
    lr: float,
    clip_grad: float = 0.0,
    label_smoothing: float = 0.0,
    rng: Any = None,
) -> Array:
    """Change the weights by one step against the gradient of this batch; returns the loss before it (0-d)."""
    loss, grads = loss_and_gradients(model, images, labels, label_smoothing=label_smoothing, rng=rng)
    if clip_grad:
        clip_by_global_norm(grads, clip_grad)
    optimizer.step(grads, lr=lr)
    return loss
