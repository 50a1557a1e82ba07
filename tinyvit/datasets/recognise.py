"""Recognition of the data set in a folder, by the names and checksums of its files."""

import os
from collections.abc import Sequence
from pathlib import Path

from ..storage.paths import expanded
from .cifar import KINDS, find_cifar, is_archive
from .find import find_in, folders_of
from .idx import digests
from .idx_files import idx_files
from .load import emnist_names
from .own_idx import OWN
from .sources import SHAPES, SOURCES, Source


def recognise(data_dir: str | os.PathLike[str]) -> str | None:
    """Recognise the data set in a folder: one of `SOURCES`, by its files' names and checksums, or "idx"; None: neither.

    Raises:
        UserError: it is the version of CIFAR that is a pickle.
    """
    place = expanded(data_dir)
    if place.is_file() and is_archive(place):
        return "cifar-100" if "100" in place.name else "cifar-10"
    for name, kind in KINDS.items():
        if find_cifar(kind, [*folders_of(name, place)]):
            return name
    for name, source in SOURCES.items():
        if source.layout == "emnist" and find_in(folders_of(name, place), emnist_names(name)):
            return name
        for folder in folders_of(name, place) if source.layout == "mnist" else ():
            if (paths := find_in([folder], tuple(SHAPES))) and (folder != place or _is_genuine(source, paths)):
                return name
    return OWN if idx_files(place) else None


def _is_genuine(source: Source, paths: Sequence[Path]) -> bool:
    return all(digests(path) & source.checksums(name) for name, path in zip(SHAPES, paths, strict=True))
