"""`conv2d` with its weight (C*k*k, O) and bias (O,)."""

import math
from typing import Any

import numpy as np

from ..backend import Array
from ..ops import Conv2dSaved, conv2d_backward, conv2d_forward
from .init import truncated_normal
from .layer import Grads, Layer


class Conv2d(Layer):
    """(B, C, H, W) -> (B, O, H', W'), by windows of k x k.

    Initial weights have the standard deviation sqrt(2 / (C*k*k)), which keeps the size of what passes through a
    convolution and a gate after it: He et al. 2015, "Delving Deep into Rectifiers", arXiv:1502.01852.
    """

    def __init__(
        self,
        in_chans: int,
        out_chans: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        rng: np.random.Generator,
    ):
        self.stride, self.padding = stride, padding
        fan_in = in_chans * kernel_size**2
        self.weight: Array = truncated_normal(rng, (fan_in, out_chans), std=math.sqrt(2 / fan_in))
        self.bias: Array = np.zeros(out_chans, np.float32)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, Conv2dSaved]:
        return conv2d_forward(x, self.weight, self.bias, stride=self.stride, padding=self.padding)

    def backward(self, dy: Array, saved: Conv2dSaved) -> tuple[Array, Grads]:
        dx, dweight, dbias = conv2d_backward(dy, saved)
        return dx, {"weight": dweight, "bias": dbias}
