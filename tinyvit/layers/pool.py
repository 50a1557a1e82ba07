"""Pooling before the head: the tokens that become the one vector that is classified."""

from typing import Any

from ..backend import Array
from ..ops import OPS, PoolSaved
from .layer import Grads, Layer


class Pool(Layer):
    """(B, N, D) -> (B, D), or (B, 2D) where two vectors stand side by side.

    Args:
        kind: of `ViTConfig.pool`, all but "map", which has parameters: see `AttentionPool`.
        num_prefix: tokens in front of the patches.
    """

    def __init__(self, kind: str, *, num_prefix: int):
        self.op, self.options = {
            "cls": (OPS["cls_pool"], {"num_tokens": 1}),
            "mean": (OPS["mean_pool"], {"num_prefix": num_prefix}),
            "cls+mean": (OPS["cls_mean_pool"], {"num_prefix": num_prefix}),  # DINOv2's
            "cls+dist": (OPS["cls_pool"], {"num_tokens": 2}),  # DeiT's class and distillation token
        }[kind]

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, PoolSaved]:
        return self.op.forward(x, **self.options)

    def backward(self, dy: Array, saved: PoolSaved) -> tuple[Array, Grads]:
        return self.op.backward(dy, saved), {}
