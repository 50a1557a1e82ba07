"""What is wrong with pictures, found out before somebody trains on them: each file is looked at once."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import UserError
from .in_threads import in_threads
from .listing import Listing
from .pictures import glance_at

if TYPE_CHECKING:
    from ..pretrained import ImageProcessor


class Place(NamedTuple):
    path: Path
    split: str  # train, dev or test
    label: int


class Findings(NamedTuple):
    """What `scan` found; counts are of readable pictures."""

    counts: dict[str, np.ndarray]  # split -> int64 (K,), pictures of each class
    sizes: Counter[tuple[int, int]]  # (height, width), upright
    modes: Counter[str]  # Pillow's: L, RGB, RGBA ...
    unreadable: tuple[tuple[Path, str], ...]  # and why, a sentence each
    duplicates: tuple[tuple[Place, ...], ...]  # files of the same bytes, two or more each

    @property
    def across_splits(self) -> tuple[tuple[Place, Place], ...]:
        """Pictures of dev and test, each behind the same picture of an earlier split: they measure memory."""
        return tuple((same[0], place) for same in self.duplicates for place in same if place.split != same[0].split)

    @property
    def contradictions(self) -> tuple[tuple[Place, ...], ...]:
        """The same picture in several classes."""
        return tuple(same for same in self.duplicates if len({place.label for place in same}) > 1)

    @property
    def imbalance(self) -> float:
        """How many times as many pictures the largest class has to train on as the smallest that has any."""
        counts = self.counts["train"]
        return float(counts.max() / counts[counts > 0].min()) if counts.any() else 1.0


def scan(
    listing: Listing,
    processor: "ImageProcessor | None" = None,
    *,
    progress: Callable[[int, int], object] | None = None,
) -> Findings:
    """Read every file, in threads; no pixels are kept, so memory does not grow with the number of files.

    Args:
        processor: also finds pictures that it refuses.
        progress: called as progress(files done, all files) after each.
    """
    places = [
        Place(path, split, int(label))
        for split, files in listing.splits.items()
        for path, label in zip(files.paths, files.labels, strict=True)
    ]

    def look(place: Place) -> tuple[bytes, tuple[int, int], str] | str:
        """The file's hash, the picture's size and mode, or what is wrong."""
        try:
            image, size, mode = glance_at(place.path)
            if processor:
                processor.pixels(image)
            with open(place.path, "rb") as file:  # once more, but now the system has it in memory
                return hashlib.file_digest(file, "sha256").digest(), size, mode
        except (UserError, OSError) as error:
            sentence = str(error)
            return sentence if str(place.path) in sentence else f"{place.path}: {sentence}"

    counts = {split: np.zeros(len(listing.class_names), np.int64) for split in listing.splits}
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    unreadable = []
    same = defaultdict(list)
    with closing(in_threads(look, places)) as looks:
        for done, (place, seen) in enumerate(zip(places, looks, strict=True), 1):
            if isinstance(seen, str):
                unreadable.append((place.path, seen))
            else:
                digest, size, mode = seen
                same[digest].append(place)
                counts[place.split][place.label] += 1
                sizes[size] += 1
                modes[mode] += 1
            if progress:
                progress(done, len(places))
    duplicates = tuple(tuple(group) for group in same.values() if len(group) > 1)
    return Findings(counts, sizes, modes, tuple(unreadable), duplicates)
