"""Multi-label data sets: images of any number of classes, and their splits."""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..storage.paths import expanded
from .class_names import class_name, same
from .held_back import hold_back
from .image_folder import SPLITS, Whole, list_folder
from .left_out import some
from .listing import Files, Listing
from .multi_label_sources import Found, from_folders, from_table

MAX_CELLS = 10**9  # of a table of yes and no, a byte each


def list_images(
    folder: str | os.PathLike[str], table: str | os.PathLike[str] | None = None, *, multi_label: bool = False
) -> Listing:
    """`list_multi_label`, if `multi_label`, or else `list_folder`."""
    return list_multi_label(folder, table) if multi_label else list_folder(folder)


def list_multi_label(
    folder: str | os.PathLike[str],
    table: str | os.PathLike[str] | None = None,
    *,
    dev_share: float = 0.15,
    test_share: float = 0.15,
    seed: int = 0,
) -> Listing:
    """The images in `folder`, with labels that are booleans (n, K).

    With a `table`, as `labels_table` reads it: the files that it names, from `folder` on, with or without their
    endings. Without one, an image is of all classes whose folders it lies in: `a/b/p.jpg` of a and b, `p.jpg` of none;
    and the same file in several folders is one image of all their classes.

    Classes are sorted by name, or in the order of the table's columns. Splits are folders as for `list_folder`, or what
    a column of the table says; what has no split is held back by `hold_back`.

    Raises:
        UserError: the folder or the table is missing, may not be read, or makes no sense; or there is nothing to learn.
    """
    found, names, files = _contents(folder, table)
    _check(folder if table is None else table, names, files)
    train, dev, test, notes = hold_back(
        files,
        is_split=found.is_split,
        dev_share=dev_share,
        test_share=test_share,
        seed=seed,
        source="folder" if table is None else "table",
    )
    return Listing(names, train, dev, test, (*found.notes, *notes, *_remarks(names, train)), found.left_out)


def whole_multi_label(
    folder: str | os.PathLike[str], class_names: Collection[str], table: str | os.PathLike[str] | None = None
) -> Whole:
    """All of the same images, to measure a model on: nothing is held back, and nothing must be there to be learned.

    Args:
        class_names: of the model; a folder that is called as one of them, with no folders in it, is that class.

    Raises:
        UserError: as `list_multi_label` does, or there are no images, or nothing says what they show.
    """
    found, names, files = _contents(folder, table)
    if not any(map(len, files.values())):
        raise UserError(f"there are no images in {folder}: give another folder")
    if not names:
        names = (same(class_name(expanded(folder).resolve())),)
        if names[0] not in {*map(same, class_names)}:
            raise UserError(
                f"{folder} holds no folders that are called as classes, so nothing says what its images show: give a "
                "table of them with --labels, or the folder above"
            )
        files = {split: Files(of.paths, np.ones((len(of), 1), bool)) for split, of in files.items()}
        found.notes[-1] = f"{len(files['train']):,} images, all of the class {names[0]}, as their folder is called."
    files = files if found.is_split else {"test": files["train"]}
    train, dev, test = (files.get(split, _files({}, names)) for split in SPLITS)
    return Whole(Listing(names, train, dev, test, tuple(found.notes), found.left_out), found.is_split)


def _contents(
    folder: str | os.PathLike[str], table: str | os.PathLike[str] | None
) -> tuple[Found, tuple[str, ...], dict[str, Files]]:
    """Files found, by split, and the names of all classes."""
    root = expanded(folder)
    if not os.path.isdir(root):
        what = "is not a folder" if os.path.exists(root) else "does not exist"
        raise UserError(f"{root} {what}: give the folder with the images")
    found = from_folders(root) if table is None else from_table(expanded(table), root)
    of_images = [names for images in found.images.values() for names in images.values()]
    names = found.class_names or tuple(sorted(set().union(*of_images)))
    if len(names) * len(of_images) > MAX_CELLS:
        raise UserError(f"{len(names):,} classes for so many images are too many: check how the names are separated")
    if of_images:
        found.notes.append(
            f"{len(of_images):,} images of {len(names):,} class{'es' * (len(names) != 1)} ({some(names)}), "
            f"{sum(map(len, of_images)) / len(of_images):.2g} each; {of_images.count(set()):,} of none."
        )
    return found, names, {split: _files(images, names) for split, images in found.images.items()}


def _files(images: Mapping[Path, set[str]], names: tuple[str, ...]) -> Files:
    number = {name: k for k, name in enumerate(names)}
    labels = np.zeros((len(images), len(names)), bool)
    for row, of_image in zip(labels, images.values(), strict=True):
        row[[number[name] for name in of_image]] = True
    return Files(tuple(images), labels)


def _check(where: object, names: tuple[str, ...], files: Mapping[str, Files]) -> None:
    """Check that there is something to learn."""
    train = files.get("train")
    if not names or not train:
        what = "names no images to train on" if names else "has no folders with images, so it names no class"
        raise UserError(f"{where} {what}: add some")
    if len(names) == 1 and train.labels.all():
        raise UserError(
            f"{where} has images of one class only, {names[0]}: add images without it, or another class, to tell "
            "it from"
        )


def _remarks(names: tuple[str, ...], train: Files) -> Iterator[str]:
    """Notes on the labels."""
    if always := [names[k] for k in map(int, np.flatnonzero(train.labels.all(axis=0)))]:
        yield f"Every image to train on is of {some(always)}, so nothing can be learned of it."
    if len(names) > 1 and (train.labels.sum(axis=1) == 1).all():
        yield "Every image is of exactly one class: where that is so, one folder for each class teaches it better."
