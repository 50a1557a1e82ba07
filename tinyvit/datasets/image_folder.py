"""Images sorted into folders, one for each class: which files there are, and which split each belongs to."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from ..storage.paths import expanded
from .class_names import Classes, class_name, in_one_spelling, look_alike, same
from .held_back import hold_back
from .layout import find_layout
from .left_out import LeftOut, is_image, some
from .listing import Files, Listing

SPLITS = ("train", "dev", "test")


def list_folder(
    folder: str | os.PathLike[str],
    *,
    dev_share: float = 0.15,
    test_share: float = 0.15,
    seed: int = 0,
    min_classes: int = 2,
) -> Listing:
    """The images in `train/<class>/`, `val/<class>/` and `test/<class>/`, or in `<class>/` alone; none is opened.

    Classes are the folders' names, sorted, as in torchvision's `ImageFolder`; folders in a class are searched as well.
    Splits may have any of their usual names (`split_names`). Links are followed. What is hidden, machine-made or a run
    of tinyvit, and files whose names do not end as those of images do, are left out and told in notes.

    Without a dev split, one is split off the training images, and with folders of classes alone a test split, too, by
    `dev_split`: each class in proportion. A class keeps at least one image to train on; if it is empty it remains a
    class.

    Args:
        dev_share, test_share: how much of all images that are to be split goes there; together at most 0.5.
        seed: decides which.
        min_classes: with images to train on; one will do, where others are known already.

    Raises:
        UserError: the folder is missing or may not be read, has not so many classes with images, dev or test has
            images of a class that train lacks, a class has a name that is not UTF-8, or it cannot be told which
            folders are splits and which are classes.
    """
    if not (dev_share >= 0 and test_share >= 0 and dev_share + test_share <= 0.5):
        raise UserError(
            "dev_share and test_share must be at least 0 and together at most 0.5, "
            f"got {dev_share} and {test_share}: choose others"
        )
    root = _root(folder)
    places, found, is_split, notes, left_out = _contents(root)
    if "train" not in places:
        others = some(sorted(place.name for place in places.values()))
        raise UserError(f"{root} has {others} but no train: add it, with a folder per class")
    _check(places, found, min_classes)

    names = tuple(found["train"])
    files = {split: _files(classes, names) for split, classes in found.items()}
    train, dev, test, told = hold_back(files, is_split=is_split, dev_share=dev_share, test_share=test_share, seed=seed)
    return Listing(names, train, dev, test, (*notes, *told), left_out)


def list_unlabelled(folder: str | os.PathLike[str]) -> Listing:
    """All images in and below a folder, whatever its folders mean, for tasks that need no classes: all are of one, and
    some are held back for dev and test.

    Raises:
        UserError: the folder is missing or may not be read, or there are no images.
    """
    root = _root(folder)
    left_out = LeftOut(root)
    paths = tuple(left_out.images_in(root))
    if not paths:
        raise UserError(f"there are no images in {root}: give a folder with some")
    found = {"train": Files(paths, np.zeros(len(paths), np.int64))}
    train, dev, test, told = hold_back(found, is_split=False, dev_share=0.15, test_share=0.15, seed=0)
    notes = (
        *left_out.notes(),
        f"The folders in {root} are taken for neither classes nor splits: none are needed.",
        *told,
    )
    return Listing((class_name(root.resolve()),), train, dev, test, notes, left_out.count)


class Whole(NamedTuple):
    """All images in a folder, to measure a model on."""

    listing: Listing  # of what is not split, all are in `test`
    is_split: bool


def list_whole(folder: str | os.PathLike[str], class_names: Collection[str]) -> Whole:
    """All images in a folder whose classes a model knows; nothing is split off, and one class will do.

    The folder may hold splits (one is enough), classes, or the images of one class, if it is called as that.

    Raises:
        UserError: as `list_folder` does, but for what only training needs; or there are no images.
    """
    root = _root(folder)
    places, found, is_split, notes, left_out = _one_class(root, class_names) or _contents(root, class_names)
    if not is_split:
        found = {"test": found["train"]}
    names = tuple(sorted({name for classes in found.values() for name in classes}))
    train, dev, test = (_files(found.get(split, {}), names) for split in SPLITS)
    if not (train or dev or test):
        raise UserError(f"there are no images in {some(map(str, places.values()))}: put some into folders by class")
    return Whole(Listing(names, train, dev, test, tuple(notes), left_out), is_split)


def _one_class(root: Path, known: Collection[str]) -> "_Contents | None":
    """Listing of a folder that is itself a class: it has none in it, or is called as one and they are not."""
    left_out = LeftOut(root)
    folders, files = left_out.entries(root)
    place = root.resolve()
    if folders:
        names, ours = {same(folder.name) for folder in folders}, {*map(same, known)}
        is_class = same(place.name) in ours and not names & ours
    else:
        is_class = any(map(is_image, files))
    if not is_class:
        return None
    classes = {class_name(place): list(left_out.images_in(root))}
    return _Contents({"train": root}, {"train": classes}, False, left_out.notes(), left_out.count)


def _root(folder: str | os.PathLike[str]) -> Path:
    root = expanded(folder)
    if not os.path.isdir(root):
        what = "is not a folder" if os.path.exists(root) else "does not exist"
        raise UserError(f"{root} {what}: give a folder with one folder of images for each class")
    return root


class _Contents(NamedTuple):
    places: dict[str, Path]  # split -> the folder with its classes
    classes: dict[str, Classes]  # split -> its classes
    is_split: bool  # or all of it is called train
    notes: list[str]
    left_out: int  # files


def _contents(root: Path, known: Collection[str] = ()) -> _Contents:
    """Listing of a folder that is arranged as `find_layout` wants it, which also knows `known`."""
    left_out = LeftOut(root)
    layout = find_layout(root, left_out, known)
    found = {}
    for split, place in layout.places.items():
        folders, files = left_out.entries(place)
        left_out.loose |= dict.fromkeys(filter(is_image, files))
        found[split] = {class_name(folder): list(left_out.images_in(folder)) for folder in folders}
    classes, spellings = in_one_spelling(found)
    notes = [*layout.notes, *spellings, *left_out.notes()]
    return _Contents(layout.places, classes, layout.is_split, notes, left_out.count)


def _check(places: Mapping[str, Path], found: Mapping[str, Classes], min_classes: int) -> None:
    """Check that there is something to train on, and dev and test know no class that train lacks."""
    place, train = places["train"], found["train"]
    remedy = "put images into one folder for each class"
    if not train:
        raise UserError(f"{place} has no folders in it: {remedy}")
    full = [name for name, paths in train.items() if paths]
    if not full:
        raise UserError(f"there is nothing to train on in {place} ({some(train)} hold no images): {remedy}")
    if len(full) < min_classes:
        raise UserError(f"{place} has images of one class only, {full[0]}: add another class to tell it from")
    for split, classes in found.items():
        if lacking := [name for name, paths in classes.items() if paths and not train.get(name)]:
            alike = [name for group in look_alike({**train, **classes}) if {*group} & {*lacking} for name in group]
            but = f" (but of {some(name for name in alike if name in train)})" if alike else ""
            raise UserError(
                f"{places[split]} has images of {some(lacking)}, of which {place} has none{but}: "
                "add some to train on, or remove those" + ", or rename the folder" * bool(alike)
            )


def _files(classes: Classes, names: Collection[str]) -> Files:
    paths = [classes.get(name, []) for name in names]
    labels = np.repeat(np.arange(len(paths)), [len(of_class) for of_class in paths])
    return Files(tuple(path for of_class in paths for path in of_class), labels)
