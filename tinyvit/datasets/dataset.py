"""What a dataset is: named classes, the statistics to normalise with, and three splits."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """Images and their labels, in step.

    images: uint8 (n, C, H, W), 0..255.
    labels: int64 (n,), 0..K-1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A classification dataset in memory.

    Learn from `train`, choose settings by `dev`, and look at `test` once, at the end.

    class_names: K names; label k means `class_names[k]`.
    mean, std: of the training pixels after division by 255.
    """

    name: str
    class_names: tuple[str, ...]
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    train: Split
    dev: Split
    test: Split
