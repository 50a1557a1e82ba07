"""Random streams by example, which do not depend on how a batch is cut into pieces, or which process computes them.

Both stand in for a `np.random.Generator` where the first axis is examples.
"""

from collections.abc import Iterable

import numpy as np

from ..backend import generator


class BatchRows:
    """Random numbers for some examples of a batch, as if they had been drawn for all of it.

    Args:
        rng: the batch's own, fresh.
        rows: the examples of the batch that are worked on.
    """

    def __init__(self, rng: np.random.Generator, batch_size: int, rows: slice):
        self.rng, self.batch_size, self.rows = rng, batch_size, rows

    def random(self, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.random((self.batch_size, *size[1:]))[self.rows]

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.uniform(low, high, (self.batch_size, *size[1:]))[self.rows]

    def integers(self, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.integers(low, high, (self.batch_size, *size[1:]))[self.rows]

    def standard_normal(self, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.standard_normal((self.batch_size, *size[1:]))[self.rows]


class ExampleRows:
    """Random numbers for examples of the dev or test split: those of example i follow from (seed, split, i) alone.

    Args:
        split: "dev" or "test".
        examples: the indices i of the split.
    """

    def __init__(self, seed: int, split: str, examples: Iterable[int]):
        self.generators = [generator(seed, split, index) for index in examples]

    def random(self, size: tuple[int, ...]) -> np.ndarray:
        return np.stack([rng.random(size[1:]) for rng in self.generators])

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> np.ndarray:
        return np.stack([rng.uniform(low, high, size[1:]) for rng in self.generators])

    def integers(self, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
        return np.stack([rng.integers(low, high, size[1:]) for rng in self.generators])

    def standard_normal(self, size: tuple[int, ...]) -> np.ndarray:
        return np.stack([rng.standard_normal(size[1:]) for rng in self.generators])
