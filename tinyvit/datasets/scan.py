"""Validation of images before training: unreadable files, duplicates, data leakage, class imbalance; one pass."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import UserError
from ..images.deep_grey import REDUCED, Depth, depth_of
from ..images.open import glance_at
from ..images.transparency import is_transparent, shows_nothing
from .depths import Depths
from .in_threads import in_threads
from .left_out import some
from .listing import Listing

if TYPE_CHECKING:
    from ..images.processor import ImageProcessor


class Place(NamedTuple):
    """File in a data set."""

    path: Path
    split: str  # train, dev or test
    label: int | tuple[int, ...]  # a class, or all of them where an image may be of several


class _Look(NamedTuple):
    digest: bytes  # of the file
    size: tuple[int, int]
    mode: str
    transparent: bool
    blank: bool
    depth: Depth | None
    reduced: bool


class Findings(NamedTuple):
    """Findings of `scan`; counts are of readable images."""

    counts: dict[str, np.ndarray]  # split -> int64 (K,), images of each class
    sizes: Counter[tuple[int, int]]  # (height, width), upright
    modes: Counter[str]  # Pillow's: L, RGB, RGBA ...
    unreadable: tuple[tuple[Path, str], ...]  # and why, a sentence each
    duplicates: tuple[tuple[Place, ...], ...]  # files of the same bytes, two or more each
    transparent: tuple[Path, ...] = ()  # wholly or in part
    blank: tuple[Path, ...] = ()  # those of them of which nothing can be seen
    depths: Depths = Depths({}, [])

    @property
    def across_splits(self) -> tuple[tuple[Place, Place], ...]:
        """Duplicates across splits (data leakage): images of dev and test, each behind the one of an earlier split."""
        return tuple((same[0], place) for same in self.duplicates for place in same if place.split != same[0].split)

    @property
    def contradictions(self) -> tuple[tuple[Place, ...], ...]:
        """The same image in several classes."""
        return tuple(same for same in self.duplicates if len({place.label for place in same}) > 1)

    @property
    def unusable(self) -> int:
        """Number of files that cannot be trained on."""
        return len(self.unreadable) + len(self.blank)

    @property
    def on_transparency(self) -> tuple[str, ...]:
        """Notes on transparent images, a sentence each."""
        sentences = []
        if count := len(self.transparent):
            sentences.append(
                f"{count:,} image{'s are' if count > 1 else ' is'} transparent in part, and laid over white "
                f"(over black where all that can be seen is light): {some(path.name for path in self.transparent)}."
            )
        if self.blank:
            names, plural = some(map(str, self.blank)), "s" * (len(self.blank) > 1)
            sentences.append(f"Of {len(self.blank):,} transparent image{plural} nothing can be seen at all: {names}.")
        return tuple(sentences)

    @property
    def imbalance(self) -> float:
        """Class imbalance: training images of the largest class over those of the smallest that has any."""
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
        processor: also finds images that it refuses.
        progress: called as progress(files done, all files) after each.
    """
    places = [
        Place(path, split, int(label) if label.ndim == 0 else tuple(np.flatnonzero(label).tolist()))
        for split, files in listing.splits.items()
        for path, label in zip(files.paths, files.labels, strict=True)
    ]

    def look(place: Place) -> _Look | str:
        """Facts about an image, or what is wrong with it."""
        try:
            image, size, mode = glance_at(place.path)
            if processor:
                processor.pixels(image)
            with open(place.path, "rb") as file:  # once more, but now the system has it in memory
                digest = hashlib.file_digest(file, "sha256").digest()
            depth, reduced = depth_of(image), image.info.get(REDUCED, False)
            return _Look(digest, size, mode, is_transparent(image), shows_nothing(image), depth, reduced)
        except (UserError, OSError) as error:
            sentence = str(error)
            return sentence if str(place.path) in sentence else f"{place.path}: {sentence}"

    counts = {split: np.zeros(len(listing.class_names), np.int64) for split in listing.splits}
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    unreadable, transparent, blank = [], [], []
    depths = Depths({}, [])
    same = defaultdict(list)
    with closing(in_threads(look, places)) as looks:
        for done, (place, seen) in enumerate(zip(places, looks, strict=True), 1):
            if isinstance(seen, str):
                unreadable.append((place.path, seen))
            else:
                same[seen.digest].append(place)
                counts[place.split][np.array(place.label, np.int64)] += 1
                sizes[seen.size] += 1
                modes[seen.mode] += 1
                transparent += [place.path] * seen.transparent
                blank += [place.path] * seen.blank
                depths.grey.update({place.path: seen.depth} if seen.depth else {})
                depths.reduced.extend([place.path] * seen.reduced)
            if progress:
                progress(done, len(places))
    duplicates = tuple(tuple(group) for group in same.values() if len(group) > 1)
    return Findings(counts, sizes, modes, tuple(unreadable), duplicates, tuple(transparent), tuple(blank), depths)
