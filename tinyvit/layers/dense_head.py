"""The dense head: one linear layer on each patch token, so that every patch has an answer of its own.

For segmentation a patch of P x P pixels answers with P*P*K logits, K for each of its pixels.
Source: Strudel et al. 2021, "Segmenter", arXiv:2105.05633, section 3.2, the linear decoder, here without upsampling.
"""

from typing import Any

import numpy as np

from ..backend import Array, array_module
from ..ops import LinearSaved
from .layer import Grads
from .linear import Linear


class DenseHead(Linear):
    """All tokens (B, N, D) -> answers of the patches (B, L, O); the `num_prefix` tokens in front are not asked."""

    def __init__(self, embed_dim: int, out_features: int, *, num_prefix: int, rng: np.random.Generator):
        super().__init__(embed_dim, out_features, rng=rng)
        self.num_prefix = num_prefix

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, LinearSaved]:
        return super().forward(x[:, self.num_prefix :])

    def backward(self, dy: Array, saved: LinearSaved) -> tuple[Array, Grads]:
        dpatches, grads = super().backward(dy, saved)
        B, L, D = dpatches.shape
        dx = array_module(dy).zeros((B, self.num_prefix + L, D), dpatches.dtype)  # none for what was not asked
        dx[:, self.num_prefix :] = dpatches
        return dx, grads
