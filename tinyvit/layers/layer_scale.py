"""`layer_scale` with its gamma, which starts at one small value for every feature."""

from typing import Any

import numpy as np

from ..backend import Array
from ..ops import LayerScaleSaved, layer_scale_backward, layer_scale_forward
from .layer import Grads, Layer


class LayerScale(Layer):
    """(..., D) -> (..., D)."""

    def __init__(self, embed_dim: int, *, init_value: float):
        self.gamma: Array = np.full(embed_dim, init_value, np.float32)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, LayerScaleSaved]:
        return layer_scale_forward(x, self.gamma)

    def backward(self, dy: Array, saved: LayerScaleSaved) -> tuple[Array, Grads]:
        dx, dgamma = layer_scale_backward(dy, saved)
        return dx, {"gamma": dgamma}
