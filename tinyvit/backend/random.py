"""Random numbers that depend on nothing but a seed and a purpose.

Every random choice of a run comes from `generator(seed, "what for", step)`. So there is no generator state to save:
a run that resumes at step 700 draws exactly what the uninterrupted run drew at step 700.

`BatchRows` and `ExampleRows` stand in for a generator where the first axis is examples: what they draw does not depend
on how a batch is cut into pieces, or which process computes them.
"""

import zlib
from collections.abc import Iterable

import numpy as np


def generator(seed: int, *key: int | str) -> np.random.Generator:
    """An independent NumPy generator for one purpose: `generator(0, "shuffle", epoch)`.

    Draws happen on the host, also when the arrays live on a GPU, so that CPU and GPU runs see the same numbers.
    Words become numbers through CRC-32, which is the same on every machine (unlike Python's `hash`).
    """
    return np.random.default_rng([seed, *(zlib.crc32(k.encode()) if isinstance(k, str) else k for k in key)])


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
