"""Load a data set by name: its files are found or downloaded, checked, and split."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..storage.paths import needed_cache_folder
from .cifar import KINDS, find_cifar, read_cifar
from .dataset import Dataset, Split
from .find import find_files, folders_of
from .idx import digests, read_idx
from .idx_files import Arrays, IdxFiles, read_idx_files
from .own_idx import OWN, SHARE, own_idx
from .pixel_statistics import pixel_statistics
from .sources import SHAPES, SOURCES, Source
from .split import dev_split

MAX_DOWNLOAD_BYTES = 256 * 2**20  # the largest published file has 163 MB


def load_dataset(
    name: str = "mnist",
    *,
    data_dir: str | os.PathLike[str] | None = None,
    dev_size: int = 5000,
    split_seed: int = 0,
) -> Dataset:
    """Find the files (or download them), check that they are genuine, and split off the dev images.

    Args:
        name: one of `SOURCES`, or "idx" for files of one's own.
        data_dir: the folder with the files, or its parent; None looks in $TINYVIT_DATA, in `data/` beside the package
            and in the user's cache, and downloads into the cache what is nowhere.
        dev_size: how many training images become the dev split, each class in proportion; but of files whose number of
            images is not known beforehand at most 15 %.
        split_seed: decides which; it is not the seed of a run, so that all runs share one dev split.

    Returns:
        Images uint8 (n, C, H, W) and labels int64 (n,). What a checksum could not prove is said in `notes`.

    Raises:
        UserError: there is no such dataset, or its files are missing, damaged or not genuine.
    """
    if name == OWN:
        return own_idx(data_dir, dev_size=dev_size, split_seed=split_seed)
    if name not in SOURCES:
        raise UserError(f"there is no dataset {name!r}: choose one of {', '.join([*SOURCES, OWN])}")
    source = SOURCES[name]
    readers: dict[str, Callable[..., tuple[Arrays, list[str]]]] = {"mnist": _mnist, "emnist": _emnist, "cifar": _cifar}
    arrays, notes = readers[source.layout](name, source, data_dir)
    (images, labels), test = arrays["train"], arrays["test"]
    if source.layout != "mnist":
        dev_size = min(dev_size, round(SHARE * len(labels)))
    train, dev = dev_split(labels, dev_size, seed=split_seed)
    splits = Split(images[train], labels[train]), Split(images[dev], labels[dev]), Split(*test)
    statistics = (source.mean, source.std) if source.mean and source.std else pixel_statistics(splits[0].images)
    return Dataset(name, source.class_names, *statistics, *splits, built_in=True, notes=tuple(notes))


def _mnist(name: str, source: Source, data_dir: str | os.PathLike[str] | None) -> tuple[Arrays, list[str]]:
    """Four files of known shape and known checksums."""
    paths = find_files(name, tuple(SHAPES), data_dir) or _download_files(name, source)
    images, labels, test_images, test_labels = (
        read_idx(
            path,
            shape=shape,
            sha256=source.checksums(file_name),
            num_classes=len(source.class_names) if len(shape) == 1 else None,
        )
        for path, (file_name, shape) in zip(paths, SHAPES.items(), strict=True)
    )
    train, test = (images[:, None], labels.astype(np.int64)), (test_images[:, None], test_labels.astype(np.int64))
    return {"train": train, "test": test}, []


def is_at_hand(name: str) -> bool:
    """Whether the files of MNIST, or of what is stored as it is, are on this machine.

    Raises:
        UserError: $TINYVIT_DATA is no folder.
    """
    is_emnist = SOURCES[name].layout == "emnist"
    return find_files(name, emnist_names(name) if is_emnist else tuple(SHAPES)) is not None


def emnist_names(name: str) -> tuple[str, ...]:
    """The files of one of EMNIST's sets."""
    return tuple(f"{name}-{file_name.replace('t10k', 'test')}" for file_name in SHAPES)


def _emnist(name: str, source: Source, data_dir: str | os.PathLike[str] | None) -> tuple[Arrays, list[str]]:
    """Four files whose images have rows for columns, and of `emnist-letters` labels from 1 on."""
    paths = find_files(name, emnist_names(name), data_dir)
    if paths is None:
        raise UserError(
            f"{name} is not on this machine, and its 560 MB are not downloaded: get gzip.zip from {source.page}, "
            "unpack it, and name its folder with --data-dir"
        )
    roles = [(split, kind) for split in ("train", "test") for kind in ("images", "labels")]
    files = IdxFiles(name, dict(zip(roles, paths, strict=True)), ())
    first, arrays = source.first_label, {}
    read = read_idx_files(files, num_classes=len(source.class_names) + first)
    for split, (images, labels) in read.items():
        if labels.min() < first:
            path = files.paths[split, "labels"]
            raise UserError(
                f"{path} holds the label {labels.min()}, expected {first}.. on: put a fresh copy in its place"
            )
        arrays[split] = np.ascontiguousarray(images.swapaxes(2, 3)), labels - first
    return arrays, [f"The files of {name} were not verified: no checksums of them are published."]


def _cifar(name: str, source: Source, data_dir: str | os.PathLike[str] | None) -> tuple[Arrays, list[str]]:
    """An archive or a folder of records, of which the archive has a known checksum."""
    name = name.removesuffix("-coarse")
    kind = KINDS[name]
    path = find_cifar(kind, [*folders_of(name, data_dir)])
    if path is None and data_dir is not None:
        raise UserError(
            f"there is no {kind.archive} in {data_dir}, nor what is in it: put it there, get it from {source.page}, or "
            "leave out --data-dir to download a copy"
        )
    if path is None:
        (path,) = _download_files(name, source)
    arrays = read_cifar(kind, path, label_byte=source.label_byte, num_classes=len(source.class_names))
    if path.is_file() and digests(path) & source.checksums(kind.archive):
        return arrays, []
    why = "its checksum is not the published one" if path.is_file() else "only the archive has a published checksum"
    return arrays, [f"{path} was not verified: {why}."]


def _download_files(name: str, source: Source) -> list[Path]:
    """The published files in the user's cache; what is there already is not fetched again."""
    from .download import download  # here, as the network modules are slow to import and rarely needed

    folder = needed_cache_folder() / name
    for file_name, sha256 in source.published.items():
        if not (folder / file_name).exists():
            download(
                [mirror + file_name for mirror in source.mirrors],
                folder / file_name,
                sha256=sha256,
                max_bytes=MAX_DOWNLOAD_BYTES,
            )
    return [folder / file_name for file_name in source.published]
