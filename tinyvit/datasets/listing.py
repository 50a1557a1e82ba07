"""Image files by split and class, before any of them is opened."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ..errors import UserError
from .left_out import some


@dataclass(frozen=True, eq=False)
class Files:
    """The files of one split and their classes, in step.

    paths: n of them.
    labels: int64 (n,), 0..K-1; or booleans (n, K), where an image may be of several classes, or of none.
    """

    paths: tuple[Path, ...]
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.paths)

    def chosen(self, rows: Iterable[int]) -> "Files":
        """Files with the given indices, in that order."""
        indices = np.fromiter(rows, np.int64)
        return Files(tuple(self.paths[row] for row in indices), self.labels[indices])


class Listing(NamedTuple):
    """Files of a folder of images, by split."""

    class_names: tuple[str, ...]  # K of them; label k means class_names[k]
    train: Files
    dev: Files
    test: Files
    notes: tuple[str, ...]  # what the user should know, a sentence each
    left_out: int = 0  # files that may have been meant as images, and were passed over

    @property
    def splits(self) -> dict[str, Files]:
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def joined(self, other: Self) -> Self:
        """The same, and the other's files behind these, split by split; both have the same classes."""
        train, dev, test = (
            Files((*ours.paths, *theirs.paths), np.concatenate([ours.labels, theirs.labels]))
            for ours, theirs in zip(self.splits.values(), other.splits.values(), strict=True)
        )
        return self._replace(train=train, dev=dev, test=test)

    def without(self, paths: Collection[Path]) -> Self:
        """The same, less some files.

        Raises:
            UserError: nothing to train on would be left, or nothing to choose the best epoch by.
        """
        gone = frozenset(paths)
        train, dev, test = (
            files.chosen(row for row, path in enumerate(files.paths) if path not in gone)
            for files in self.splits.values()
        )
        if not train:
            raise UserError(f"all {len(self.train):,} training images would be left out: give a folder with others")
        if not dev and self.dev:
            raise UserError(
                f"none of the {len(self.dev):,} images of the dev split can be read, by which the best epoch is "
                "chosen: mend them, or put others into a folder val"
            )
        if not dev:
            raise UserError(
                f"there are too few images to hold some back for the dev split, by which the best epoch is chosen "
                f"({len(train):,} in {len(self.class_names):,} classes): add more, or a folder val with one per class"
            )
        return self._replace(train=train, dev=dev, test=test)


def gaps(class_names: Sequence[str], counts: Mapping[str, np.ndarray]) -> list[str]:
    """Gaps of the splits, a sentence each: classes without images, or with one alone to train on.

    Args:
        counts: split -> int64 (K,), its images of each class.
    """
    sentences = []
    for split, of_split in counts.items():
        if split == "train":
            few = {"Nothing to train on in": of_split == 0, "Only one image to train on in": of_split == 1}
        else:
            few = {f"The {split} split says nothing of": (of_split == 0) & (counts["train"] > 0) & of_split.any()}
        for what, rows in few.items():
            if names := [class_names[k] for k in map(int, np.flatnonzero(rows))]:
                sentences.append(f"{what} the class{'es' * (len(names) > 1)} {some(names)}.")
    return sentences
