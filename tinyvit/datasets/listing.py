"""Picture files by split and class, before any of them is opened."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ..errors import UserError


@dataclass(frozen=True, eq=False)
class Files:
    """The files of one split and their classes, in step.

    paths: n of them.
    labels: int64 (n,), 0..K-1.
    """

    paths: tuple[Path, ...]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.paths)

    def chosen(self, rows: Iterable[int]) -> "Files":
        """Those with the given indices, in that order."""
        indices = np.fromiter(rows, np.int64)
        return Files(tuple(self.paths[row] for row in indices), self.labels[indices])


class Listing(NamedTuple):
    """What lies in a folder of pictures."""

    class_names: tuple[str, ...]  # K of them; label k means class_names[k]
    train: Files
    dev: Files
    test: Files
    notes: tuple[str, ...]  # what the user should know, a sentence each

    @property
    def splits(self) -> dict[str, Files]:
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def without(self, paths: Collection[Path]) -> Self:
        """The same, less some files.

        Raises:
            UserError: nothing to train on would be left.
        """
        gone = frozenset(paths)
        train, dev, test = (
            files.chosen(row for row, path in enumerate(files.paths) if path not in gone)
            for files in self.splits.values()
        )
        if not train:
            raise UserError(f"all {len(self.train):,} training pictures would be left out: give a folder with others")
        return self._replace(train=train, dev=dev, test=test)
