"""Pictures sorted into folders, one for each class: which files there are, and which split each belongs to."""

import itertools
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from ..errors import UserError
from .listing import Files, Listing
from .split import dev_split

ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
SPLITS = {"train": ("train",), "dev": ("val", "valid", "validation", "dev"), "test": ("test",)}
MOST_NAMED = 5  # in a sentence

Classes = dict[str, list[Path]]  # name -> its pictures; sorted, both


def list_folder(
    folder: str | os.PathLike[str], *, dev_share: float = 0.15, test_share: float = 0.15, seed: int = 0
) -> Listing:
    """The pictures in `train/<class>/`, `val/<class>/` and `test/<class>/`, or in `<class>/` alone; none is opened.

    Classes are the folders' names, sorted, as in torchvision's `ImageFolder`; folders in a class are searched as well.
    Hidden files and folders are passed over, links are followed, and files whose names do not end as those of pictures
    do are left out and counted in a note. `val` may also be called `valid`, `validation` or `dev`.

    Without a dev split, one is split off the training pictures, and with folders of classes alone a test split, too, by
    `dev_split`: each class in proportion. A class keeps at least one picture to train on; if it is empty it remains a
    class.

    Args:
        dev_share, test_share: how much of all pictures that are to be split goes there; together at most 0.5.
        seed: decides which.

    Raises:
        UserError: the folder is missing or may not be read, has not two classes with pictures, or dev or test has
            pictures of a class that train lacks.
    """
    if not (dev_share >= 0 and test_share >= 0 and dev_share + test_share <= 0.5):
        raise UserError(
            "dev_share and test_share must be at least 0 and together at most 0.5, "
            f"got {dev_share} and {test_share}: choose others"
        )
    root = Path(folder).expanduser()
    if not os.path.isdir(root):
        what = "is not a folder" if os.path.exists(root) else "does not exist"
        raise UserError(f"{root} {what}: give a folder with one folder of pictures for each class")
    notes: list[str] = []
    places = _places(root, notes)
    one_level = places["train"] == root
    found = {split: _classes(place, notes) for split, place in places.items()}
    _check(places, found)

    names = tuple(found["train"])
    train, dev, test = (_files(found.get(split, {}), names) for split in SPLITS)
    total = len(train)
    if one_level:
        train, test = _split_off(train, round(test_share * total), seed)
    if made_dev := not dev:
        train, dev = _split_off(train, round(dev_share * total), seed)

    if one_level:
        notes.append(
            f"The folder has no train, val and test in it, so its {total:,} pictures were split, each class in "
            f"proportion: {len(train):,} to train on, {len(dev):,} for dev and {len(test):,} for test (seed {seed})."
        )
    elif made_dev:
        notes.append(
            f"There are no pictures in a folder val, so {len(dev):,} of the {total:,} training pictures became the dev "
            f"split, each class in proportion (seed {seed})."
        )
    if not test:
        notes.append("There is no test split, so only dev can tell how good a model is, by which it was chosen.")
    counts = np.bincount(train.labels, minlength=len(names))
    for count, what in ((0, "Nothing"), (1, "Only one picture")):
        if few := [names[k] for k in np.flatnonzero(counts == count)]:
            notes.append(f"{what} to train on in the class{'es' * (len(few) > 1)} {_some(few)}.")
    return Listing(names, train, dev, test, tuple(notes))


def _places(root: Path, notes: list[str]) -> dict[str, Path]:
    """The folder that holds the classes of each split; `root` itself holds those of train if they are not split."""
    folders, _ = _entries(root)
    named = {split: [f for f in folders if f.name.lower() in names] for split, names in SPLITS.items()}
    is_split = any(_entries(train)[0] for train in named["train"])  # or else it is a class of pictures of trains
    others = [folder.name for folder in folders if folder not in itertools.chain(*named.values())]
    if not is_split and (others or not folders):
        return {"train": root}
    for split, candidates in named.items():
        if len(candidates) > 1:
            raise UserError(f"{root} has {_some(f.name for f in candidates)}, which are all {split}: keep one of them")
    if not named["train"]:
        raise UserError(f"{root} has {_some(f.name for f in folders)} but no train: add it, with a folder per class")
    if others:
        notes.append(f"Beside the folders of the splits there are others, left out: {_some(others)}.")
    return {split: candidates[0] for split, candidates in named.items() if candidates}


def _classes(place: Path, notes: list[str]) -> Classes:
    """The pictures in each folder of a split, and notes of what is no part of it."""
    folders, files = _entries(place)
    others: list[Path] = []
    classes = {folder.name: list(pictures_in(folder, others)) for folder in folders}
    if loose := sum(_is_picture(path) for path in files):
        notes.append(f"{loose:,} picture{'s' * (loose > 1)} directly in {place}, in no class, left out.")
    if others:
        endings = Counter(path.suffix.lower() or "no ending" for path in others)
        words = _some(f"{ending} ({count:,})" for ending, count in endings.most_common())
        notes.append(f"Files in {place} whose names do not end as those of pictures do, left out: {words}.")
    return classes


def pictures_in(folder: Path, others: list[Path]) -> Iterator[Path]:
    """The pictures in and below a folder, each folder once, wherever links lead; other files go to `others`.

    Raises:
        UserError: a folder may not be read.
    """
    waiting, searched = [folder], set()
    while waiting:
        folder = waiting.pop()
        if (real := os.path.realpath(folder)) in searched:
            continue
        searched.add(real)
        folders, files = _entries(folder)
        waiting += reversed(folders)
        yield from filter(_is_picture, files)
        others += (path for path in files if not _is_picture(path))


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders, and all that is no folder, in a folder: sorted, without hidden ones."""
    try:
        paths = sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=lambda path: path.name)
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be read ({error.strerror}): change its permissions") from error
    return [p for p in paths if os.path.isdir(p)], [p for p in paths if not os.path.isdir(p)]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS


def _check(places: Mapping[str, Path], found: Mapping[str, Classes]) -> None:
    """Whether there is something to train on, and dev and test know no class that train lacks."""
    place, train = places["train"], found["train"]
    remedy = "put pictures into one folder for each class"
    if not train:
        raise UserError(f"{place} has no folders in it: {remedy}")
    full = [name for name, paths in train.items() if paths]
    if not full:
        raise UserError(f"there is nothing to train on in {place} ({_some(train)} hold no pictures): {remedy}")
    if len(full) == 1:
        raise UserError(f"{place} has pictures of one class only, {full[0]}: add another class to tell it from")
    for split, classes in found.items():
        if lacking := [name for name, paths in classes.items() if paths and not train.get(name)]:
            raise UserError(
                f"{places[split]} has pictures of {_some(lacking)}, of which {place} has none: "
                "add some to train on, or remove those"
            )


def _files(classes: Classes, names: Collection[str]) -> Files:
    paths = [classes.get(name, []) for name in names]
    labels = np.repeat(np.arange(len(paths)), [len(of_class) for of_class in paths])
    return Files(tuple(path for of_class in paths for path in of_class), labels)


def _split_off(files: Files, size: int, seed: int) -> tuple[Files, Files]:
    """What remains, and `size` files of all classes in proportion.

    Classes of one file give none, and the others give at most half, so that something of each remains.
    """
    giving = np.flatnonzero(np.bincount(files.labels)[files.labels] > 1)
    size = min(size, len(giving) // 2)
    if not size:
        return files, files.chosen([])
    given = giving[dev_split(files.labels[giving], size, seed=seed)[1]]
    return files.chosen(np.setdiff1d(np.arange(len(files)), given)), files.chosen(given)


def _some(names: Collection[str] | Iterator[str]) -> str:
    """ "a, b and 3 more" """
    names = list(names)
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
