"""DeiT's two classifiers: one on the class token, one on the distillation token; the logits are averaged.

Source: Touvron et al. 2021, "Training data-efficient image transformers & distillation through attention",
arXiv:2012.12877, section 4.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..ops import LinearSaved
from .layer import Gradients, Identity, Layer, prefixed
from .linear import Linear


class DistilledHeadSaved(NamedTuple):
    cls: LinearSaved | None
    dist: LinearSaved | None


class DistilledHead(Layer):
    """(B, 2D), the rows of both tokens side by side -> (B, K), the mean of what each row's linear layer says.

    Without classes, the mean of both rows (B, D).
    """

    def __init__(self, num_pooled: int, num_classes: int, *, rng: np.random.Generator):
        self.cls: Layer = Linear(num_pooled // 2, num_classes, rng=rng) if num_classes else Identity()
        self.dist: Layer = Linear(num_pooled // 2, num_classes, rng=rng) if num_classes else Identity()

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, DistilledHeadSaved]:
        D = x.shape[1] // 2
        y_cls, cls = self.cls.forward(x[:, :D])  # (B, D) -> (B, K)
        y_dist, dist = self.dist.forward(x[:, D:])
        return (y_cls + y_dist) * 0.5, DistilledHeadSaved(cls, dist)

    def backward(self, dy: Array, saved: DistilledHeadSaved) -> tuple[Array, Gradients]:
        half = dy * 0.5
        dx_cls, dcls = self.cls.backward(half, saved.cls)
        dx_dist, ddist = self.dist.backward(half, saved.dist)
        dx = array_module(dy).concatenate([dx_cls, dx_dist], axis=1)
        return dx, prefixed("cls", dcls) | prefixed("dist", ddist)
