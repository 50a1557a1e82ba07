"""`layer_norm` with its weight and bias, which start out changing nothing: ones and zeros."""

from typing import Any

import numpy as np

from ..backend import Array
from ..ops import LayerNormSaved, layer_norm_backward, layer_norm_forward
from .layer import Grads, Layer


class LayerNorm(Layer):
    """(..., D) -> (..., D)."""

    def __init__(self, embed_dim: int, *, eps: float = 1e-6):
        self.weight: Array = np.ones(embed_dim, np.float32)
        self.bias: Array = np.zeros(embed_dim, np.float32)
        self.eps = eps

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, LayerNormSaved]:
        return layer_norm_forward(x, self.weight, self.bias, eps=self.eps)

    def backward(self, dy: Array, saved: LayerNormSaved) -> tuple[Array, Grads]:
        dx, dweight, dbias = layer_norm_backward(dy, saved)
        return dx, {"weight": dweight, "bias": dbias}
