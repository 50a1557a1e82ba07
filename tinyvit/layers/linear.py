"""`linear` with its weight (in, out) and bias (out,)."""

from typing import Any

import numpy as np

from ..backend import Array
from ..ops import LinearSaved, linear_backward, linear_forward
from .init import truncated_normal
from .layer import Grads, Layer


class Linear(Layer):
    """(..., in) -> (..., out)."""

    def __init__(self, in_features: int, out_features: int, *, bias: bool = True, rng: np.random.Generator):
        self.weight: Array = truncated_normal(rng, (in_features, out_features))
        self.bias: Array | None = np.zeros(out_features, np.float32) if bias else None

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, LinearSaved]:
        return linear_forward(x, self.weight, self.bias)

    def backward(self, dy: Array, saved: LinearSaved) -> tuple[Array, Grads]:
        dx, dweight, dbias = linear_backward(dy, saved)
        return dx, {"weight": dweight} if dbias is None else {"weight": dweight, "bias": dbias}
