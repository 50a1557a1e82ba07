"""Masks for semantic segmentation: folders of images and of masks, PNG files whose values are the pixels' classes.

images/ masks/                      or  images/train/ images/val/ masks/train/ masks/val/
train/images/ train/masks/ val/...      masks/cat.png belongs to images/cat.jpg; 255 is of no class
classes.txt                             a name in each line, the first that of class 0
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError, printable
from ..images.open import open_image
from ..storage.files import read_file
from ..storage.paths import expanded
from .left_out import LeftOut, is_machine_made, listed, some
from .scene_files import VOID, Scene, SceneFiles, scene_files
from .split_names import splits_among

IMAGES = ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos")
MASKS = ("masks", "mask", "segmentationclass", "annotations", "annotation", "labels", "segmentation", "gt")
ENDINGS = ("_mask", "_masks", "_label", "_labels", "_gt", "_seg", "_l")  # of masks' names, beside their images'
CLASSES = "classes.txt"
LOSSLESS = (".png", ".bmp", ".gif", ".tif", ".tiff")
MAX_CLASSES = 255


def is_mask_folder(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds one of images beside one of masks, directly or in its splits."""
    root = expanded(folder)
    return root.is_dir() and bool(_sides(root) or any(_sides(place) for place in _split_folders(root).values()))


def list_masks(folder: str | os.PathLike[str]) -> SceneFiles:
    """The images of a folder that have masks, by splits; all masks are read.

    Raises:
        UserError: the folder is arranged otherwise, an image or a mask cannot be read, they differ in size, a mask is
            none, or there is nothing to learn from.
    """
    root = expanded(folder)
    if not root.is_dir():
        raise UserError(f"{root} is no folder: give one with folders called images and masks")
    notes: list[str] = []
    left_out = LeftOut(root)
    found = {split: _pairs(*sides, left_out, notes) for split, sides in _places(root).items()}
    notes += left_out.notes()
    masks = [Path(str(scene.truth)) for scenes in found.values() for scene in scenes]
    present = np.zeros(256, bool)
    sizes: dict[Path, tuple[int, int]] = {}
    for path in masks:
        mask = read_mask(path)
        values = np.unique(mask)
        if not (values < VOID).any():
            raise UserError(
                f"{path} has no pixel of a class, only {VOID}, which means none: number classes from 0, or leave it out"
            )
        present[values] = True
        sizes[path] = (mask.shape[0], mask.shape[1])
    names = _class_names(root, present, notes)
    if absent := [name for name, is_there in zip(names, present, strict=False) if not is_there]:
        notes.append(f"No mask has a pixel of {printable(some(absent))}: nothing can be learned of that.")

    def check(scene: Scene, size: tuple[int, int]) -> None:
        mask = Path(str(scene.truth))
        if sizes[mask] != size:
            raise UserError(
                f"{scene.path} is of {size[0]}x{size[1]} pixels (height x width), and its mask {mask} of "
                f"{sizes[mask][0]}x{sizes[mask][1]}: save both in the same size and the same way up"
            )

    return scene_files(names, found, notes, check, left_out=left_out.count)


def read_mask(path: Path) -> np.ndarray:
    """Classes of the pixels, uint8 (H, W).

    Raises:
        UserError: the file cannot be read, is of colours, or has been compressed so that numbers change.
    """
    if path.suffix.lower() not in LOSSLESS:
        raise UserError(f"{path} is no PNG, and other formats change the class indices: save the mask as PNG")
    image = open_image(path)
    if image.mode not in ("P", "L", "1", "I;16", "I"):
        raise UserError(
            f"{path} is of colours ({image.mode}), and a mask holds the index of a class in each pixel: save it as PNG "
            "with a palette, or grey"
        )
    mask = np.asarray(image).astype(np.int64)
    if mask.min() < 0 or mask.max() > VOID:
        raise UserError(f"{path} has the class {mask.max()}, and classes go from 0 to {VOID - 1}: number them anew")
    return mask.astype(np.uint8)


def _places(root: Path) -> dict[str, tuple[Path, Path]]:
    """Folders of images and of masks of each split; of one that is not split, all is train."""
    if sides := _sides(root):
        images, masks = (_split_folders(side) for side in sides)
        if "train" in images and images.keys() <= masks.keys():
            return {split: (images[split], masks[split]) for split in images}
        if images or masks:
            raise UserError(
                f"{sides[0]} has the splits {some(images) or 'none'}, and {sides[1]} {some(masks) or 'none'}: give "
                "both the same, with train among them"
            )
        return {"train": sides}
    found = {split: sides for split, place in _split_folders(root).items() if (sides := _sides(place))}
    if "train" not in found:
        raise UserError(f"{root} has no folders images and masks, nor a train with them: arrange it so")
    return found


def _sides(folder: Path) -> tuple[Path, Path] | None:
    """The folders of images and of masks in a folder, if both are there."""
    names = {path.name.casefold(): path for path, is_folder in listed(folder) if is_folder}
    sides = [next((names[name] for name in side if name in names), None) for side in (IMAGES, MASKS)]
    return (sides[0], sides[1]) if sides[0] and sides[1] else None


def _split_folders(folder: Path) -> dict[str, Path]:
    """Folders of splits in a folder.

    Raises:
        UserError: two are of the same split.
    """
    names = [path.name for path, is_folder in listed(folder) if is_folder and not is_machine_made(path.name)]
    found = splits_among(names)
    if several := [of_one for of_one in found.values() if len(of_one) > 1]:
        raise UserError(f"{folder} has several folders of one split, {some(several[0])}: leave one")
    return {split: folder / of_one[0] for split, of_one in found.items()}


def _pairs(images: Path, masks: Path, left_out: LeftOut, notes: list[str]) -> list[Scene]:
    """Images and masks of the same name but for their endings.

    Raises:
        UserError: there are none, or two of one name.
    """
    by_name = [_by_name(images, (), left_out), _by_name(masks, ENDINGS, left_out)]
    both = sorted(by_name[0].keys() & by_name[1].keys())
    if not both:
        raise UserError(
            f"no image in {images} has a mask of its name in {masks} ({len(by_name[0]):,} images, {len(by_name[1]):,} "
            "masks): call masks/cat.png what belongs to images/cat.jpg"
        )
    for mine, others, what in ((0, 1, "images have no mask"), (1, 0, "masks have no image")):
        if alone := sorted(by_name[mine].keys() - by_name[others].keys()):
            where, words = (images, masks)[mine], printable(some(alone))
            notes.append(f"Of {where}, {len(alone):,} {what} and are left out: {words}.")
            left_out.elsewhere += len(alone)
    return [Scene(by_name[0][name], by_name[1][name]) for name in both]


def _by_name(folder: Path, endings: Sequence[str], left_out: LeftOut) -> dict[str, Path]:
    """Images directly in a folder, by what their names begin with."""
    found: dict[str, Path] = {}
    for path in left_out.images_directly_in(folder):
        name = next((path.stem[: -len(end)] for end in endings if path.stem.casefold().endswith(end)), path.stem)
        if name in found:
            raise UserError(f"{found[name]} and {path} have the same name: rename one")
        found[name] = path
    return found


def _class_names(root: Path, present: np.ndarray, notes: list[str]) -> tuple[str, ...]:
    """Names of the classes 0 to K - 1.

    Raises:
        UserError: a mask has a class that has no name, or there is one class alone.
    """
    largest = int(np.flatnonzero(present[:VOID]).max())
    if present[VOID] and largest == 0:
        raise UserError(f"the masks hold 0 and {VOID} alone, and {VOID} means no class: save what is to be found as 1")
    if os.path.lexists(root / CLASSES):
        try:
            text = read_file(root / CLASSES).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(f"{root / CLASSES} is not UTF-8: save it as text in UTF-8") from error
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
        if len(set(names)) < len(names) or not largest < len(names) <= MAX_CLASSES:
            raise UserError(
                f"{root / CLASSES} has {len(set(names))} different names in {len(names)} lines, and the masks have "
                f"classes up to {largest}: give each of 0 to {largest} a line with its name"
            )
        return names
    if largest == 0:
        raise UserError(f"all masks in {root} are of class 0 alone: number what is to be found from 1")
    notes.append(f"There is no {CLASSES}, a name in each line, so classes are called by their indices, 0 to {largest}.")
    return tuple(str(k) for k in range(largest + 1))
