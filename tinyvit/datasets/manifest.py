"""A manifest: the list of the images of a data set, with each file's size and hash, by which a change is noticed."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from ..errors import UserError
from .in_threads import in_threads
from .left_out import LeftOut
from .listing import Files, Listing

PIECE = 256 * 2**10  # bytes; of files of more than three pieces, the first, middle and last are hashed


class Content(NamedTuple):
    """Fingerprint of a file's content."""

    size: int  # bytes
    hash: str


class Record(NamedTuple):
    """One image of a data set."""

    path: str  # from the data set's folder, with "/" between names
    labels: tuple[int, ...]  # the classes it shows, 0..K-1
    content: Content


class Manifest(NamedTuple):
    """Record of the files that a data set consisted of when it was listed."""

    class_names: tuple[str, ...]  # K of them
    splits: dict[str, tuple[Record, ...]]  # train, dev, test: in the order of their rows
    left_out: tuple[str, ...]  # paths of image files in no split: they cannot be read, or belong to no class
    multi_label: bool = False  # whether an image may be of several classes, or of none

    @classmethod
    def of(cls, folder: str | os.PathLike[str], listing: Listing) -> Self:
        """Of a listing of images in and below `folder`; every file is read, a large one in part, by a few threads.

        Raises:
            UserError: a file cannot be read.
        """
        root = Path(folder).expanduser()
        splits = {split: tuple(_records(files, root)) for split, files in listing.splits.items()}
        listed = {record.path for records in splits.values() for record in records}
        others = [name for path in LeftOut(root).images_in(root) if (name := relative(path, root)) not in listed]
        return cls(listing.class_names, splits, tuple(others), listing.train.labels.ndim == 2)

    def to_json(self) -> bytes:
        """For people to read: a line for each image."""
        names = ("class_names", "left_out", *["multi_label"] * self.multi_label)
        parts = [f'  "{name}": {json.dumps(getattr(self, name))}' for name in names]
        for split, records in self.splits.items():
            rows = (
                json.dumps({"path": path, "labels": labels, "bytes": content.size, "hash": content.hash})
                for path, labels, content in records
            )
            parts.append(f'  "{split}": [' + ",".join(f"\n    {row}" for row in rows) + "\n  ]")
        return ("{\n" + ",\n".join(parts) + "\n}\n").encode()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: Path) -> Self:
        """The inverse of `to_json`, after `files.read_json`.

        Raises:
            UserError: something is missing or makes no sense; `where` is named as the file that says it.
        """
        try:
            names, left_out = (tuple(_typed(name, str) for name in values[key]) for key in ("class_names", "left_out"))
            multi_label = _typed(values.get("multi_label", False), bool)
            splits = {split: tuple(_record(row, len(names), multi_label) for row in values[split]) for split in SPLITS}
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{where} is damaged ({type(error).__name__}: {error}): use another copy, or start a new run"
            ) from error
        return cls(names, splits, left_out, multi_label)

    def listing(self, files: Mapping[str, Path]) -> Listing:
        """The images of these files, in their recorded splits and order.

        Args:
            files: recorded path -> where it is; images that are not in it are left out.
        """

        def of(records: tuple[Record, ...]) -> Files:
            found = [record for record in records if record.path in files]
            if self.multi_label:
                labels = np.zeros((len(found), len(self.class_names)), bool)
                for row, record in zip(labels, found, strict=True):
                    row[list(record.labels)] = True
            else:
                labels = np.array([record.labels[0] for record in found], np.int64)
            return Files(tuple(files[record.path] for record in found), labels)

        train, dev, test = map(of, self.splits.values())
        return Listing(self.class_names, train, dev, test, ())


SPLITS = ("train", "dev", "test")


def relative(path: Path, root: Path) -> str:
    """The path from `root` on, with "/" between names."""
    return Path(os.path.relpath(path, root)).as_posix()


def content_of(path: str | os.PathLike[str]) -> Content | None:
    """The size of a file and a hash: of all of it, or of three pieces of a large one. None if it cannot be read."""
    if not os.path.isfile(path):  # a pipe would never end
        return None
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.blake2b(digest_size=8)
            for start in (0, (size - PIECE) // 2, size - PIECE) if size > 3 * PIECE else range(0, size, PIECE):
                file.seek(start)
                digest.update(file.read(PIECE))
            return Content(size, digest.hexdigest())
    except OSError:
        return None


def _records(files: Files, root: Path) -> Iterator[Record]:
    for path, label, content in zip(files.paths, files.labels, in_threads(content_of, files.paths), strict=True):
        if content is None:
            raise UserError(f"{path} cannot be read any more: leave the images as they are, and start again")
        labels = np.flatnonzero(label).tolist() if label.ndim else [int(label)]
        yield Record(relative(path, root), tuple(labels), content)


def _record(row: Any, num_classes: int, multi_label: bool) -> Record:
    """From one line of the file.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    labels = tuple(_typed(label, int) for label in row["labels"])
    if not all(0 <= label < num_classes for label in labels) or not (labels or multi_label):
        raise ValueError(f"labels {labels} of {num_classes} classes")
    return Record(_typed(row["path"], str), labels, Content(_typed(row["bytes"], int), _typed(row["hash"], str)))


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
