"""Activation checkpointing: keep only a layer's input, and recompute the rest when the backward asks for it.

A block keeps some 20 values for each of its input; recomputed, one. The price is a second forward, a third more work.

Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174.
"""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..backend import Array
from .layer import Grads, Layer


class RecomputeSaved(NamedTuple):
    x: Array
    rng: Any  # as it was before the forward, so that the same things are dropped again
    options: dict[str, Any]


class Recompute(Layer):
    """Does what `layer` does, with its parameters under its names; `saved` is the input."""

    def __init__(self, layer: Layer):
        self.layer = layer

    def forward(self, x: Array, *, rng: Any = None, **options: Any) -> tuple[Array, RecomputeSaved]:
        before = copy.deepcopy(rng)
        y, _ = self.layer.forward(x, rng=rng, **options)
        return y, RecomputeSaved(x, before, options)

    def backward(self, dy: Array, saved: RecomputeSaved) -> tuple[Array, Grads]:
        _, of_layer = self.layer.forward(saved.x, rng=copy.deepcopy(saved.rng), **saved.options)
        return self.layer.backward(dy, of_layer)

    def _arrays(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Layer]]:
        return self.layer._arrays(path)
