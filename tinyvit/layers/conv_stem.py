"""Convolutional stem: two 3 x 3 convolutions before the image is cut into patches.

The ViT paper's hybrid cuts its patches from the feature map of a ResNet, which is 16 times smaller than the image along
each side; a patch may then be a single place. Here are two 3x3 convolutions that keep the image's size, so that every
patch_size that divides the image divides the map too, and the grid of tokens is the same with a stem and without.
Source: Dosovitskiy et al. 2021, arXiv:2010.11929, section 3.1, "Hybrid Architecture".
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array
from ..config.vit import STEM_CHANS
from ..ops import Conv2dSaved, GeluSaved
from .conv2d import Conv2d
from .layer import Grads, Layer, prefixed
from .mlp import ACTIVATIONS


class ConvStemSaved(NamedTuple):
    conv1: Conv2dSaved
    gelu1: GeluSaved
    conv2: Conv2dSaved
    gelu2: GeluSaved


class ConvStem(Layer):
    """(B, C, H, W) -> (B, S, H, W). Without the second GELU, conv2 and the linear layer behind it would be one."""

    def __init__(self, in_chans: int, *, gelu: str = "erf", rng: np.random.Generator):
        self.conv1 = Conv2d(in_chans, STEM_CHANS, 3, padding=1, rng=rng)
        self.conv2 = Conv2d(STEM_CHANS, STEM_CHANS, 3, padding=1, rng=rng)
        self.gelu = ACTIVATIONS[gelu]

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, ConvStemSaved]:
        x, conv1 = self.conv1.forward(x)  # (B, C, H, W) -> (B, S, H, W)
        x, gelu1 = self.gelu.forward(x)
        x, conv2 = self.conv2.forward(x)
        x, gelu2 = self.gelu.forward(x)
        return x, ConvStemSaved(conv1, gelu1, conv2, gelu2)

    def backward(self, dy: Array, saved: ConvStemSaved) -> tuple[Array, Grads]:
        dx = self.gelu.backward(dy, saved.gelu2)
        dx, dconv2 = self.conv2.backward(dx, saved.conv2)
        dx = self.gelu.backward(dx, saved.gelu1)
        dx, dconv1 = self.conv1.backward(dx, saved.conv1)
        return dx, prefixed("conv1", dconv1) | prefixed("conv2", dconv2)
