"""Dropout and DropPath: a mask is drawn only if an `rng` is passed, so there is no train/eval mode."""

import numpy as np

from ..backend import Array, like
from ..ops import DropoutSaved, drop_path_backward, drop_path_forward, dropout_backward, dropout_forward
from .layer import Grads, Layer


class Dropout(Layer):
    """Dropout: each feature by itself is set to zero with probability `drop_prob`."""

    def __init__(self, drop_prob: float):
        self.drop_prob = drop_prob

    def forward(self, x: Array, *, rng: np.random.Generator | None = None) -> tuple[Array, DropoutSaved | None]:
        if rng is None or self.drop_prob == 0:
            return x, None
        keep_mask = like(rng.random(x.shape) >= self.drop_prob, x)
        return dropout_forward(x, keep_mask=keep_mask, drop_prob=self.drop_prob)

    def backward(self, dy: Array, saved: DropoutSaved | None) -> tuple[Array, Grads]:
        return (dy if saved is None else dropout_backward(dy, saved)), {}


class DropPath(Layer):
    """Each image's whole branch is set to zero with probability `drop_prob`."""

    def __init__(self, drop_prob: float):
        self.drop_prob = drop_prob

    def forward(self, x: Array, *, rng: np.random.Generator | None = None) -> tuple[Array, DropoutSaved | None]:
        if rng is None or self.drop_prob == 0:
            return x, None
        keep_mask = like(rng.random((x.shape[0], *[1] * (x.ndim - 1))) >= self.drop_prob, x)
        return drop_path_forward(x, keep_mask=keep_mask, drop_prob=self.drop_prob)

    def backward(self, dy: Array, saved: DropoutSaved | None) -> tuple[Array, Grads]:
        return (dy if saved is None else drop_path_backward(dy, saved)), {}
