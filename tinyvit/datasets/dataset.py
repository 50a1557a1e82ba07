"""A dataset: named classes, the statistics to normalise with, and three splits."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Images(Protocol):
    """Images of a split: an array, or files that are read when rows of the array are asked for."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> Any: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Split:
    """Images and their labels, in step.

    images: uint8 (n, C, H, W), 0..255; an array, or what is indexed like one, such as `ImageFiles`.
    labels: int64 (n,), 0..K-1; or booleans (n, K), where an image may be of several classes, or of none.
    taught: a teacher's logits for the images, float32 (n, K), where a student learns from them.

    Of texts, images are codes of words, uint8 (n, C, 1, T), and labels may be tags of words, int8 (n, T), -1 for none.
    """

    images: Images
    labels: np.ndarray
    taught: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A classification dataset.

    Learn from `train`, choose settings by `dev`, and look at `test` once, at the end.

    class_names: K names; label k means `class_names[k]`.
    mean, std: of the training pixels after division by 255; a number for all channels, or one for each.
    built_in: whether `load_dataset` knows it by its name; a folder of images may be called `mnist`, too.
    notes: what the user should know, a sentence each: what could not be verified, what was left out.
    left_out: number of files that may have been meant, and were passed over.
    """

    name: str
    class_names: tuple[str, ...]
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    train: Split
    dev: Split
    test: Split
    built_in: bool = False
    notes: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def multi_label(self) -> bool:
        """Whether each class of an image is a yes or no by itself."""
        return self.train.labels.ndim == 2 and self.train.labels.dtype == bool
