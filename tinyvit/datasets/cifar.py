"""CIFAR-10 and CIFAR-100 in their binary version: records of one or two labels and 3 x 32 x 32 bytes, in files of many.

Source: https://www.cs.toronto.edu/~kriz/cifar.html. The Python version is a pickle, which can run code, and is refused.
"""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from ..errors import UserError, one_line
from .sources import CIFAR_10_ARCHIVE, CIFAR_100_ARCHIVE, CIFAR_PAGE

PIXELS = 3 * 32 * 32
MAX_BYTES = 2**30  # of all records; the published ones have 185 million
MAX_MEMBERS = 1000
REMEDY = f"get a fresh copy from {CIFAR_PAGE}"


class Kind(NamedTuple):
    """Variant of CIFAR: what tells one from the other."""

    archive: str
    folder: str  # in the archive
    train: re.Pattern[str]  # names of files
    test: str
    labels: int  # bytes in front of a record's pixels
    python: re.Pattern[str]  # names of the version that is refused


KINDS = {
    "cifar-10": Kind(
        CIFAR_10_ARCHIVE,
        "cifar-10-batches-bin",
        re.compile(r"data_batch_\d+\.bin"),
        "test_batch.bin",
        1,
        re.compile(r"cifar-10-python\.tar(\.gz)?|cifar-10-batches-py|data_batch_\d+|test_batch"),
    ),
    "cifar-100": Kind(
        CIFAR_100_ARCHIVE,
        "cifar-100-binary",
        re.compile(r"train\.bin"),
        "test.bin",
        2,
        re.compile(r"cifar-100-python(\.tar(\.gz)?)?"),
    ),
}


def find_cifar(kind: Kind, places: list[Path]) -> Path | None:
    """The archive, or the folder with the records, from the first place that is one or has one; None: nowhere.

    Raises:
        UserError: there is the Python version instead.
    """
    for place in places:
        for path in (place, place / kind.folder, place / kind.archive, place / kind.archive.removesuffix(".gz")):
            if path.is_file() and is_archive(path) and not kind.python.fullmatch(path.name):
                return path
            if path.is_dir() and any(kind.train.fullmatch(name) or name == kind.test for name in _names(path)):
                return path
    for place in places:
        named = (
            path for path in (place, *(place / name for name in _names(place))) if kind.python.fullmatch(path.name)
        )
        if python := [path.name for path in named if path.is_file() or path.name.startswith("cifar")]:
            raise UserError(
                f"{place} holds the Python version of CIFAR ({one_line(python[0])}), which is a pickle and could run "
                f"code: get the binary version, {kind.archive}, from {CIFAR_PAGE}"
            )
    return None


def is_archive(path: Path) -> bool:
    """Whether a file is called as tar archives are."""
    return path.name.endswith((".tar", ".tgz", ".tar.gz"))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def read_cifar(
    kind: Kind, path: Path, *, label_byte: int, num_classes: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images uint8 (n, 3, 32, 32) and labels int64 (n,) of "train" and "test".

    Args:
        path: the archive, or the folder with its files.
        label_byte: which of a record's labels: of CIFAR-100, 0 is the coarse one and 1 the fine one.
        num_classes: K: labels must lie in 0..K-1.

    Raises:
        UserError: files are missing or damaged, or hold more than they can.
    """
    parts: dict[str, list[tuple[str, bytes]]] = {"train": [], "test": []}
    for name, content in _members(path) if path.is_file() else _files(path):
        if kind.train.fullmatch(name):
            parts["train"].append((name, content))
        elif name == kind.test:
            parts["test"].append((name, content))
    arrays = {}
    for split, files in parts.items():
        if not files:
            wanted = kind.train.pattern.replace("\\d+", "1").replace("\\", "") if split == "train" else kind.test
            raise UserError(f"{path} has no {wanted}: {REMEDY}")
        records = [_records(path, *file, kind.labels) for file in sorted(files, key=lambda file: _in_order(file[0]))]
        together = np.concatenate(records)
        labels = together[:, label_byte].astype(np.int64)
        if labels.max() >= num_classes:
            raise UserError(f"{path} holds the label {labels.max()}, expected 0..{num_classes - 1}: {REMEDY}")
        arrays[split] = np.ascontiguousarray(together[:, kind.labels :]).reshape(-1, 3, 32, 32), labels
    return arrays


def _in_order(name: str) -> tuple[int, str]:
    """data_batch_2 before data_batch_10."""
    return len(name), name


def _records(path: Path, name: str, content: bytes, labels: int) -> np.ndarray:
    """The records in a file, uint8 (n, labels + 3072)."""
    length = labels + PIXELS
    if not content or len(content) % length:
        raise UserError(
            f"{path}: {name} has {len(content):,} bytes, which are no whole records of {length:,}, so it is cut short "
            f"or of another kind: {REMEDY}"
        )
    return np.frombuffer(content, np.uint8).reshape(-1, length)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    left = MAX_BYTES
    for name in _names(folder):
        path = folder / name
        if not name.endswith(".bin") or not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                content = _limited(file, left, path)
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions and the disk") from error
        left -= len(content)
        yield name, content


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The plain files in an archive, read one after the other; nothing is unpacked onto the disk."""
    left = MAX_BYTES
    try:
        with tarfile.open(archive, "r|*") as tar:
            for count, member in enumerate(tar):
                left -= member.size
                if count >= MAX_MEMBERS or left < 0 or member.size < 0:
                    raise UserError(f"{archive} holds more than any CIFAR does: {REMEDY}")
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None and member.name.endswith(".bin"):
                    yield member.name.rpartition("/")[2], file.read()
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{archive} is cut short or no archive ({one_line(error)}): {REMEDY}") from error
    except Exception as error:  # zlib's and lzma's own
        raise UserError(f"{archive} is damaged ({one_line(error)}): {REMEDY}") from error


def _limited(file: IO[bytes], most: int, path: Path) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        raise UserError(f"{path} holds more than any CIFAR does: {REMEDY}")
    return content
