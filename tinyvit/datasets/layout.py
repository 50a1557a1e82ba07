"""Layout of a folder of images: splits that hold classes, classes alone, or an error where one has to ask."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from ..errors import UserError
from .class_names import same
from .left_out import LeftOut, is_image, some
from .split_names import USUAL, classes_in_names, splits_among

MAX_SPLITS = 5  # of unknown names; more folders that hold the same are rather classes
# Folders that a class may be sorted into, so that all classes have the same ones: they name no classes.
_FACETS = re.compile(
    r"(19|20)\d\d([-_]?\d\d)*|left|right|front|back|top|bottom|sides?|above|below|inside|outside|indoors?|outdoors?"
    r"|day|night|raw|originals?|orig|processed|cropped|resized|augment(ed|ation)|aug|masks?|labels?|annotations?|images?"
    r"|imgs?|photos?|images|pics|colou?r|gr[ae]y|grayscale|rgb|misc|others?|more|extra|jpe?g|png"
)
_PARTS = re.compile(r"(fold|split|part|batch|set|subset|group|cv|session|run)s?[\W_]*\w{0,3}")


class Layout(NamedTuple):
    """Arrangement of a folder: which part of it is which split."""

    places: dict[str, Path]  # split -> the folder that holds its classes; the whole folder is train if it is not split
    is_split: bool
    notes: list[str]  # what was guessed


class _Inside(NamedTuple):
    """Contents of a folder."""

    folders: list[Path]
    has_images: bool  # directly

    @property
    def names(self) -> set[str]:
        return {same(folder.name).casefold() for folder in self.folders}


def find_layout(root: Path, left_out: LeftOut, known: Collection[str] = ()) -> Layout:
    """Folders that hold the classes of each split; `root` itself holds those of "train" if they are not split.

    Args:
        left_out: is told what is part of no split.
        known: names of classes; folders that have no others are no splits.

    Raises:
        UserError: it cannot be told, or training on it as it stands would not be what is wanted.
    """
    folders, _ = left_out.entries(root)
    if folders and {same(folder.name) for folder in folders} <= {*map(same, known)}:
        return Layout({"train": root}, False, [])
    inside = {folder: _look(folder, left_out) for folder in folders}
    if mixed := classes_in_names([folder.name for folder in folders]):
        raise UserError(
            f"the folders in {root} are called by class and split in one ({some(mixed)}): put each class into folders "
            "train, val or test, as in train/cats"
        )
    by_name = {folder.name: folder for folder in folders}
    splits = {split: [by_name[name] for name in names] for split, names in splits_among([*by_name]).items()}
    if splits and _are_splits(root, splits, inside, left_out):
        return _split(root, splits, inside, left_out)
    return Layout({"train": root}, False, _told_of_classes(root, inside, splits, left_out))


def _look(folder: Path, left_out: LeftOut) -> _Inside:
    folders, files = left_out.entries(folder)
    return _Inside(folders, any(map(is_image, files)))


def _are_splits(
    root: Path, splits: Mapping[str, list[Path]], inside: Mapping[Path, _Inside], left_out: LeftOut
) -> bool:
    """Whether folders that are called as splits are such, and not classes: those hold classes and stand alone."""
    called = [folder for folders in splits.values() for folder in folders]
    holding = [folder for folder in called if inside[folder].folders]
    others = [folder for folder in inside if folder not in called]
    if not others:
        return bool(holding) or len(splits) > 1 or len(called) == 1
    if not holding:
        return False
    classes = set().union(*(inside[folder].names for folder in holding))
    if both := [folder.name for folder in others if same(folder.name).casefold() in classes]:
        _refuse_mixture(root, holding, both)
    if twins := [folder.name for folder in others if _are_alike([inside[folder].names, classes])]:
        raise UserError(
            f"{root} has {some(f.name for f in holding)} and {some(twins)}, which hold folders of the same names and "
            "so look like splits: call them train, val and test, or move away what is none"
        )
    full = [folder.name for folder in others if _has_images(folder, left_out)]
    if len([split for split, folders in splits.items() if {*folders} & {*holding}]) > 1 or not full:
        return True
    if "train" in splits or any(inside[folder].has_images for folder in others):
        _refuse_mixture(root, holding, full)
    return False


def _refuse_mixture(root: Path, holding: Sequence[Path], classes: Sequence[str]) -> NoReturn:
    name = some(folder.name for folder in holding)
    raise UserError(
        f"{root} has {name}, which looks like a split, beside {some(classes)}, which look like classes: move the "
        f"classes into train and call the splits train, val and test; or rename {name}, if it is a class"
    )


def _split(root: Path, splits: Mapping[str, list[Path]], inside: Mapping[Path, _Inside], left_out: LeftOut) -> Layout:
    """One folder for each split; others are left out."""
    for split, folders in splits.items():
        if len(folders) > 1:
            raise UserError(f"{root} has {some(f.name for f in folders)}, which are all {split}: keep one of them")
    places = {split: folders[0] for split, folders in splits.items()}
    for folder in inside:
        if folder not in places.values():
            left_out.beside[folder] = sum(1 for _ in LeftOut(root).images_in(folder))
    notes = []
    if any(place.name.casefold() not in USUAL for place in places.values()):
        taken = ", ".join(f"{place.name} as {split}" for split, place in places.items())
        notes.append(f"Taken for splits: {taken}.")
    for split, place in places.items():
        within = inside[place]
        while not within.has_images and [folder.name for folder in within.folders] == [place.name]:
            place = places[split] = within.folders[0]  # seg_train/seg_train/classes
            within = _look(place, left_out)
    return Layout(places, True, notes)


def _told_of_classes(
    root: Path, inside: Mapping[Path, _Inside], splits: Mapping[str, list[Path]], left_out: LeftOut
) -> list[str]:
    """Notes of what was guessed about folders that are taken for classes.

    Raises:
        UserError: they hold the splits, are splits of other names, or are one folder, in which the classes are.
    """
    turned = [folder.name for folder in inside if len(splits_among([f.name for f in inside[folder].folders])) > 1]
    full = [folder for folder in inside if _has_images(folder, left_out)]
    if len(full) == 1 and (place := _place_within(full[0], left_out)):
        raise UserError(f"{root} holds one folder, and the data set is further inside: give {place}")
    if turned:
        raise UserError(
            f"{some(turned)} in {root} hold the splits: give one of them, if it is the data set, or turn them round if "
            f"they are classes, as in train/{turned[0]}"
        )
    notes = []
    tops = list(inside.values())
    if len(tops) > 1 and not any(top.has_images for top in tops) and _are_alike([top.names for top in tops]):
        shared = sorted(set.intersection(*(top.names for top in tops)))
        parts = all(_PARTS.fullmatch(folder.name.casefold()) for folder in inside)
        many = len(tops) > max(MAX_SPLITS, len(shared))
        if parts or not (many or all(_FACETS.fullmatch(name) or _PARTS.fullmatch(name) for name in shared)):
            raise UserError(
                f"the folders {some(folder.name for folder in inside)} in {root} hold folders of the same names "
                f"({some(shared)}), so they look like splits: call them train, val and test, or give one of them; if "
                f"they are the classes, put their images right into them"
            )
        notes.append(f"Each class has the folders {some(shared)}, and the images in them were taken together.")
    if called := [f.name for folders in splits.values() for f in folders if f.name.casefold() in USUAL]:
        notes.append(f"Taken for classes, not for splits: {some(called)}.")
    return notes


def _are_alike(names: Sequence[set[str]]) -> bool:
    """Whether sets of names have at least two in common, and most."""
    shared = set.intersection(*names)
    return len(shared) > 1 and 2 * len(shared) >= len(set.union(*names))


def _place_within(folder: Path, left_out: LeftOut) -> Path | None:
    """The folder in or below this one that holds several with images in them; None if it has images itself."""
    while True:
        within = _look(folder, left_out)
        full = [inner for inner in within.folders if _has_images(inner, left_out)]
        if within.has_images or not full:
            return None
        if len(full) > 1 or splits_among([full[0].name]):
            return folder
        folder = full[0]


def _has_images(folder: Path, left_out: LeftOut) -> bool:
    return next(LeftOut(left_out.root).images_in(folder), None) is not None
