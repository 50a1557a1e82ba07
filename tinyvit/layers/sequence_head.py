"""The sequence head: one linear layer on the first tokens, each of which stands for a place in a sequence.

What stands for place m is a learned token that asks the patches, as DETR's object queries do for boxes; here registers.
Source: Carion et al. 2020, "End-to-End Object Detection with Transformers", arXiv:2005.12872, section 3.2.
"""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..ops import LinearSaved
from .layer import Grads, Layer, prefixed
from .linear import Linear


class SequenceHeadSaved(NamedTuple):
    proj: LinearSaved
    num_tokens: int  # N


class SequenceHead(Layer):
    """All tokens (B, N, D) -> logits (B, M, K) of the first M, the same layer for all of them."""

    def __init__(self, embed_dim: int, num_classes: int, *, length: int, rng: np.random.Generator):
        self.length = length
        self.proj = Linear(embed_dim, num_classes, rng=rng)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, SequenceHeadSaved]:
        logits, proj = self.proj.forward(x[:, : self.length])
        return logits, SequenceHeadSaved(proj, x.shape[1])

    def backward(self, dy: Array, saved: SequenceHeadSaved) -> tuple[Array, Grads]:
        dfirst, dproj = self.proj.backward(dy, saved.proj)
        B, M, D = dfirst.shape
        dx = array_module(dy).zeros((B, saved.num_tokens, D), dy.dtype)  # none for tokens that were not asked
        dx[:, :M] = dfirst
        return dx, prefixed("proj", dproj)
