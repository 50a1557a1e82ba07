"""The MLP: a linear layer widens every token by itself, GELU follows, a linear layer narrows it again."""

from typing import Any, NamedTuple

import numpy as np

from ..backend import Array
from ..ops import OPS, GeluSaved, LinearSaved, SiluSaved
from .layer import Grads, Layer, prefixed
from .linear import Linear

ACTIVATIONS = {"erf": OPS["gelu"], "tanh": OPS["gelu_tanh"], "quick": OPS["gelu_quick"], "silu": OPS["silu"]}


class MlpSaved(NamedTuple):
    fc1: LinearSaved
    gelu: GeluSaved | SiluSaved
    fc2: LinearSaved


class Mlp(Layer):
    """(B, N, D) -> (B, N, D), with M hidden features."""

    def __init__(self, embed_dim: int, hidden_dim: int, *, gelu: str = "erf", rng: np.random.Generator):
        self.fc1 = Linear(embed_dim, hidden_dim, rng=rng)
        self.gelu = ACTIVATIONS[gelu]
        self.fc2 = Linear(hidden_dim, embed_dim, rng=rng)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, MlpSaved]:
        x, fc1_saved = self.fc1.forward(x)  # (B, N, D) -> (B, N, M)
        x, gelu_saved = self.gelu.forward(x)
        x, fc2_saved = self.fc2.forward(x)  # (B, N, M) -> (B, N, D)
        return x, MlpSaved(fc1_saved, gelu_saved, fc2_saved)

    def backward(self, dy: Array, saved: MlpSaved) -> tuple[Array, Grads]:
        dx, dfc2 = self.fc2.backward(dy, saved.fc2)
        dx = self.gelu.backward(dx, saved.gelu)
        dx, dfc1 = self.fc1.backward(dx, saved.fc1)
        return dx, prefixed("fc1", dfc1) | prefixed("fc2", dfc2)
