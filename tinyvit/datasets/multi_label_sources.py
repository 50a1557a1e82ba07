"""Labels of multi-label images: read from the folders around them, or from a table."""

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import UserError
from .class_names import class_name, same
from .labels_table import Row, read_labels_table
from .left_out import ENDINGS, LeftOut, is_image, some
from .split_names import splits_among

FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")  # accents in one character with the letter, or in two
Images = dict[Path, set[str]]  # file -> names of its classes


class Found(NamedTuple):
    """Images with labels of several classes, as folders or a table say."""

    images: dict[str, Images]  # split -> its images
    class_names: tuple[str, ...] | None  # in order, where one was given
    is_split: bool
    notes: list[str]
    left_out: int = 0  # files that may have been meant as images, and were passed over


def from_folders(root: Path) -> Found:
    """Images in nested folders, each of all the classes whose folders it lies in.

    Raises:
        UserError: splits and classes lie side by side, two folders are of one split, or a folder cannot be read.
    """
    left_out = LeftOut(root)
    folders, _ = left_out.entries(root)
    splits = splits_among([folder.name for folder in folders])
    is_split = "train" in splits or len(splits) == len(folders) > 0
    named = [name for names in splits.values() for name in names] if is_split else []
    if others := [folder.name for folder in folders if is_split and folder.name not in named]:
        raise UserError(
            f"{root} has {some(named)}, which look like splits, beside {some(others)}: move {some(others)} into "
            f"{splits['train'][0]}, or rename {some(named)} if they are classes"
        )
    for split, names in splits.items():
        if is_split and len(names) > 1:
            raise UserError(f"{root} has {some(names)}, which are all {split}: keep one of them")
    places = {split: root / names[0] for split, names in splits.items()} if is_split else {"train": root}
    notes: list[str] = []
    images = {split: _one_each(_with_folders(place, left_out), split, notes) for split, place in places.items()}
    return Found(images, None, is_split, [*notes, *left_out.notes()], left_out.count)


def _with_folders(place: Path, left_out: LeftOut) -> Images:
    names: dict[Path, set[str]] = {place: set()}

    def of(folder: Path) -> set[str]:
        if folder not in names:
            names[folder] = of(folder.parent) | {same(class_name(folder))}
        return names[folder]

    return {path: set(of(path.parent)) for path in left_out.images_in(place)}


def _one_each(images: Images, split: str, notes: list[str]) -> Images:
    """Files of the same content as one image of all their classes; only files of the same size are read."""
    sizes = defaultdict(list)
    for path in images:
        if os.path.isfile(path):
            sizes[os.path.getsize(path)].append(path)
    first: dict[bytes, Path] = {}
    gone: dict[Path, None] = {}  # in the order met
    for path in (path for paths in sizes.values() if len(paths) > 1 for path in paths):
        try:
            with open(path, "rb") as file:
                kept = first.setdefault(hashlib.file_digest(file, "sha256").digest(), path)
        except OSError:
            continue  # reading the images will say so
        if kept != path:
            images[kept] |= images[path]
            gone[path] = None
    if gone:
        notes.append(
            f"{len(gone):,} file{'s' * (len(gone) > 1)} of {split} with the same content as another: taken for one "
            f"image of all classes whose folders it is in, such as {next(iter(gone))}."
        )
    return {path: names for path, names in images.items() if path not in gone}


def from_table(table: Path, root: Path) -> Found:
    """Images that a table names, and their classes; what it leaves open is told in the notes.

    Raises:
        UserError: the table cannot be read, names no class or none of the files, or has one file in two splits.
    """
    read = read_labels_table(table)
    if not read.class_names and not any(row.names for row in read.rows):
        raise UserError(f"{table} names no class: write the classes of each image beside its name")
    meaning = _meanings(table, read.rows)
    places = [_place(root, row.file) for row in read.rows]
    says_splits = any(row.split for row in read.rows)
    folders = {} if says_splits else _splits_of_folders(table, root, [path for path in places if path])
    images: dict[str, Images] = {split: {} for split in ("train", "dev", "test")}
    split_of: dict[Path, str] = {}
    missing, again, silent = [], 0, 0
    for row, path in zip(read.rows, places, strict=True):
        if path is None:
            missing.append(row)
            continue
        split = folders.get(path, meaning[row.split])
        silent += says_splits and not row.split
        again += path in split_of
        if split_of.setdefault(path, split) != split:
            raise UserError(
                f"{table} has {row.file} in {split_of[path]} and, in line {row.number}, in {split}: keep one of them"
            )
        images[split].setdefault(path, set()).update(row.names)
    notes = [read.understood]
    if missing:
        words = some(f"{row.file} (line {row.number})" for row in missing)
        if len(missing) == len(read.rows):
            raise UserError(f"none of the files that {table} names is in {root} ({words}): give their folder")
        notes.append(f"{len(missing):,} of the files in {table} are not in {root}, left out: {words}.")
    if folders:
        notes.append(f"{table} names no split, but all of its files lie in folders of splits, which were taken.")
    if silent:
        notes.append(
            f"{silent:,} line{'s of the table name' if silent > 1 else ' of the table names'} no split: train."
        )
    if again:
        notes.append(f"{again:,} line{'s name' if again > 1 else ' names'} a file again: it is of the classes of all.")
    unnamed = [path for path in LeftOut(root).images_in(root) if path not in split_of]
    if unnamed:
        words = some(str(path.relative_to(root)) for path in unnamed)
        notes.append(f"{len(unnamed):,} images in {root} are not in {table}, left out: {words}.")
    filled = {split: of_split for split, of_split in images.items() if of_split}
    return Found(filled, read.class_names, says_splits or bool(folders), notes, len(missing) + len(unnamed))


def _meanings(table: Path, rows: Iterable[Row]) -> dict[str, str]:
    """Cells of the column of splits -> train, dev or test; an empty one means train."""
    written = list(dict.fromkeys(row.split for row in rows))
    words = [word for word in written if word]
    meaning = {"": "train"} | {word: split for split, same in splits_among(words).items() for word in same}
    if unknown := [word for word in words if word not in meaning]:
        raise UserError(f"{table} names the split {some(unknown)}, which is not known: write train, val or test")
    return meaning


def _splits_of_folders(table: Path, root: Path, paths: Sequence[Path]) -> dict[Path, str]:
    """The split of each file, if all lie in folders that are called as splits; else none.

    Raises:
        UserError: only some do.
    """
    inside = [path for path in paths if path.is_relative_to(root)]
    tops = {path: path.relative_to(root).parts[0] for path in inside if path.parent != root}
    splits = splits_among(sorted({*tops.values()}))
    split_of = {path: split for path, top in tops.items() for split, names in splits.items() if top in names}
    if len(split_of) == len(paths):
        return split_of
    if len(splits) > 1:
        outside = some(str(path) for path in paths if path not in split_of)
        raise UserError(
            f"{table} names files in folders of splits, and others ({outside}): add a column split that says it of all"
        )
    return {}


def _place(root: Path, file: str) -> Path | None:
    """Path of a file that a table names, perhaps without its ending, with backslashes, or with accents stored in
    another way; None if nowhere.
    """
    spellings = (unicodedata.normalize(form, name) for name in (file, file.replace("\\", "/")) for form in FORMS)
    for name in dict.fromkeys((file, *spellings)):
        path = root / os.path.normpath(name)
        if is_image(path) and path.is_file():
            return path
        for ending in ENDINGS:
            for cased in (ending, ending.upper()):
                if (longer := path.with_name(path.name + cased)).is_file():
                    return longer
    return None
