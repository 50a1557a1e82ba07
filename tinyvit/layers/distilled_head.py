"""DeiT's two classifiers: one on the class token, one on the distillation token; the logits are averaged.

Source: Touvron et al. 2021, "Training data-efficient image transformers & distillation through attention",
arXiv:2012.12877, section 4.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..ops import LinearSaved
from .layer import Grads, Identity, Layer, prefixed
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
        y_cls, y_dist, saved = self.forward_both(x)
        return (y_cls + y_dist) * 0.5, saved

    def backward(self, dy: Array, saved: DistilledHeadSaved) -> tuple[Array, Grads]:
        half = dy * 0.5
        return self.backward_both(half, half, saved)

    def forward_both(self, x: Array) -> tuple[Array, Array, DistilledHeadSaved]:
        """(B, 2D) -> what each of the two says, (B, K) and (B, K), as distillation teaches them."""
        D = x.shape[1] // 2
        y_cls, cls = self.cls.forward(x[:, :D])  # (B, D) -> (B, K)
        y_dist, dist = self.dist.forward(x[:, D:])
        return y_cls, y_dist, DistilledHeadSaved(cls, dist)

    def backward_both(self, dcls: Array, ddist: Array, saved: DistilledHeadSaved) -> tuple[Array, Grads]:
        """(B, K), (B, K) -> dx (B, 2D) and the gradient of every parameter."""
        dx_cls, grads_cls = self.cls.backward(dcls, saved.cls)
        dx_dist, grads_dist = self.dist.backward(ddist, saved.dist)
        dx = array_module(dcls).concatenate([dx_cls, dx_dist], axis=1)
        return dx, prefixed("cls", grads_cls) | prefixed("dist", grads_dist)
