"""The box head: every patch says what is in its place, and how far it reaches to the left, up, right and down.

    corners = (x, y, x, y) + P exp(z) * (-1, -1, 1, 1),   (x, y) the middle of the patch, P its size, z (4,) its answer

A distance cannot be negative, and is as easily doubled as halved: so its logarithm is what the patch says.
Source: Tian et al. 2019, "FCOS: Fully Convolutional One-Stage Object Detection", arXiv:1904.01355, section 3.1; on the
patch tokens of a plain ViT: Li et al. 2022, arXiv:2203.16527.
"""

import math
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..backend import Array, array_module
from ..ops import LinearSaved
from .dense_head import DenseHead
from .layer import Grads, Layer, prefixed

PRIOR = 0.01  # probability of any class at the beginning: a rare thing is rare from the start (arXiv:1708.02002, 4.1)


class BoxHeadSaved(NamedTuple):
    scores: LinearSaved
    sides: LinearSaved
    reach: Array  # (B, L, 4), signed distances from the middle: the derivative of exp is exp itself


class BoxHead(Layer):
    """All tokens (B, N, D) -> (B, L, K + 4): of each patch K logits, and a box x1 y1 x2 y2 in pixels.

    Args:
        grid: patches along (height, width).
        patch_size: P.
        num_prefix: tokens in front, which are not asked.
    """

    fixed: ClassVar[tuple[str, ...]] = ("middles", "signs")

    def __init__(
        self,
        embed_dim: int,
        num_classes: int,
        *,
        grid: tuple[int, int],
        patch_size: int,
        num_prefix: int,
        rng: np.random.Generator,
    ):
        self.num_classes = num_classes
        self.scores = DenseHead(embed_dim, num_classes, num_prefix=num_prefix, rng=rng)
        self.scores.bias = np.full(num_classes, math.log(PRIOR / (1 - PRIOR)), np.float32)
        self.sides = DenseHead(embed_dim, 4, num_prefix=num_prefix, rng=rng)
        self.middles: Array = patch_middles(grid, patch_size)[:, [0, 1, 0, 1]]  # (L, 4)
        self.signs: Array = patch_size * np.array([-1.0, -1.0, 1.0, 1.0])

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, BoxHeadSaved]:
        xp = array_module(x)
        logits, scores = self.scores.forward(x)
        z, sides = self.sides.forward(x)
        reach = xp.exp(z) * self.signs.astype(x.dtype)
        corners = self.middles.astype(x.dtype) + reach
        return xp.concatenate([logits, corners], axis=2), BoxHeadSaved(scores, sides, reach)

    def backward(self, dy: Array, saved: BoxHeadSaved) -> tuple[Array, Grads]:
        K = self.num_classes
        dx_sides, dsides = self.sides.backward(dy[..., K:] * saved.reach, saved.sides)
        dx_scores, dscores = self.scores.backward(dy[..., :K], saved.scores)
        return dx_scores + dx_sides, prefixed("scores", dscores) | prefixed("sides", dsides)


def patch_middles(grid: tuple[int, int], patch_size: int) -> np.ndarray:
    """(L, 2): x y of the middle of each patch in pixels, row by row."""
    rows, columns = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    return (np.stack([columns, rows], axis=1) + 0.5) * patch_size
