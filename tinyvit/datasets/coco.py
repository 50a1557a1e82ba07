"""Boxes for object detection: COCO's JSON files, one for each split, and the images that they name.

annotations/instances_train2017.json ...    train2017/ val2017/          as COCO
train/_annotations.coco.json                train/ valid/ test/          beside the images
train.json val.json, or one of any name     the images in the folder, or in images/
"""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError, printable
from ..storage.paths import expanded
from .coco_json import CocoFile, read_coco
from .left_out import LeftOut, is_machine_made, listed, some
from .scene_files import Scene, SceneFiles, scene_files
from .split_names import splits_among

OTHERS = ("captions", "keypoints", "stuff", "panoptic", "image_info")  # COCO's files of other things, beside instances


def is_coco_folder(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds JSON files where COCO's lie."""
    root = expanded(folder)
    return root.is_dir() and bool(_json_files(root))


def list_coco(folder: str | os.PathLike[str]) -> SceneFiles:
    """The images and boxes of a folder by splits, as its JSON files say; one file alone is split.

    Raises:
        UserError: there is no such file, or one is damaged or contradicts itself, another, or its images.
    """
    root = expanded(folder)
    if not root.is_dir():
        raise UserError(f"{root} is no folder: give one with COCO's JSON files and images")
    chosen, others = _by_split(root)
    files = {split: read_coco(path) for split, path in chosen.items()}
    names = dict(files["train"].categories)
    for file in files.values():
        for number, name in file.categories.items():
            if names.get(number, name) != name or (number not in names and name in names.values()):
                raise UserError(
                    f"{file.path} has another number for category {printable(name)!r} than {files['train'].path}: give "
                    "all splits the same categories"
                )
            names.setdefault(number, name)
    numbers = sorted(names, key=lambda number: (isinstance(number, str), number))
    classes = {number: k for k, number in enumerate(numbers)}
    if not any(image.boxes for image in files["train"].images):
        raise UserError(f"{files['train'].path} has no box to learn from: add some")
    notes = [
        f"{count:,} boxes {why} in {file.path} are left out."
        for file in files.values()
        for why, count in file.left_out.items()
    ]
    notes += [
        f"Boxes in {file.path} that reach out of their image are cut off at its sides: {file.clipped:,}."
        for file in files.values()
        if file.clipped
    ]
    if others:
        notes.append(f"JSON files of no split are left out: {printable(some(map(str, others)))}.")
    sizes: dict[Path, tuple[int, int]] = {}
    found: dict[str, list[Scene]] = {}
    for split, file in files.items():
        base = _folder_of_images(root, split, file)
        found[split] = []
        for image in file.images:
            sizes[base / image.name] = image.size
            boxes = [[*box, classes[category]] for *box, category in image.boxes]
            found[split].append(Scene(base / image.name, np.array(boxes, np.float64).reshape(-1, 5)))

    left_out = LeftOut(root)
    known = {os.path.realpath(path) for path in sizes}
    alone = [path for path in left_out.images_in(root) if os.path.realpath(path) not in known]
    left_out.others.clear()  # no images are meant by them: JSON files, licences
    notes += left_out.notes()
    if alone:
        names_of = printable(some(str(path.relative_to(root)) for path in alone))
        notes.append(f"{len(alone):,} images in {root} are in no JSON file and are left out: {names_of}.")

    def check(scene: Scene, size: tuple[int, int]) -> None:
        if sizes[scene.path] != size:
            height, width = sizes[scene.path]
            raise UserError(
                f"{scene.path} is of {size[0]}x{size[1]} pixels (height x width), and its annotation says "
                f"{height}x{width}: give the images that the boxes were drawn on, the same way up"
            )

    passed_over = len(alone) + len(others)
    return scene_files([names[number] for number in classes], found, notes, check, left_out=passed_over)


def _json_files(root: Path) -> dict[Path, list[str]]:
    """Folders with JSON files where COCO's may be, and the files' names."""
    found = {}
    for place in (root, *_folders(root)):
        names = [path.name for path, is_folder in listed(place) if not is_folder and path.suffix.lower() == ".json"]
        names = [name for name in names if not is_machine_made(name) and not any(word in name for word in OTHERS)]
        if names and (place == root or place.name.casefold() == "annotations" or splits_among([place.name])):
            found[place] = names
    return found


def _by_split(root: Path) -> tuple[dict[str, Path], list[Path]]:
    """The JSON file of each split, and those of none.

    Raises:
        UserError: there is none for train, or there are two of one split.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    everything = []
    for place, names in _json_files(root).items():
        everything += [place / name for name in names]
        of_place = [] if place == root else list(splits_among([place.name]))
        if of_place:  # a split's own folder
            found[of_place[0]] += [place / name for name in names]
            continue
        for split, stems in splits_among([Path(name).stem for name in names]).items():
            found[split] += [place / name for name in names if Path(name).stem in stems]
    if not found and len(everything) == 1:
        return {"train": everything[0]}, []
    if several := [paths for paths in found.values() if len(paths) > 1]:
        raise UserError(f"there are several JSON files of one split, {some(map(str, several[0]))}: leave one")
    if "train" not in found:
        raise UserError(
            f"{root} has no JSON file of a split train ({some(map(str, everything)) or 'none at all'}): call it "
            "annotations/instances_train.json, or train.json"
        )
    chosen = {split: paths[0] for split, paths in found.items()}
    return chosen, [path for path in everything if path not in chosen.values()]


def _folder_of_images(root: Path, split: str, file: CocoFile) -> Path:
    """The folder from which all names of a file lead to images; one of the split's name comes first.

    Raises:
        UserError: there is none.
    """
    names = [image.name for image in file.images]
    within = [inner for folder in _folders(root) if folder.name.casefold() == "images" for inner in _folders(folder)]
    bases = [file.path.parent, root, *_folders(root), *within]
    missing: Sequence[str] = names
    for base in sorted(bases, key=lambda base: split not in splits_among([base.name])):
        lacking = [name for name in names if not (base / name).is_file()]
        if not lacking:
            return base
        missing = min(missing, lacking, key=len)
    raise UserError(
        f"{len(missing):,} of the {len(names):,} images of {file.path} are not in {root} "
        f"({printable(some(missing))}): put them there"
    )


def _folders(folder: Path) -> list[Path]:
    return [path for path, is_folder in listed(folder) if is_folder and not is_machine_made(path.name)]
