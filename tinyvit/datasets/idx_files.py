"""A data set of one's own in IDX files: found by what their names say, read by what their headers say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import UserError, one_line
from .idx import GZIP_MAGIC, idx_shape, read_idx

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "dev"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
}
KINDS = {"image": "images", "images": "images", "label": "labels", "labels": "labels"}
FORMAT = re.compile(r"gz|bin|ubyte|idx\d?(ubyte)?")  # words that say nothing of the data
Arrays = dict[str, tuple[np.ndarray, np.ndarray]]  # split -> images uint8 (n, C, H, W) and labels int64 (n,)


class IdxFiles(NamedTuple):
    """The files of one data set: `paths["train", "images"]`."""

    beginning: str  # what their names have in common
    paths: dict[tuple[str, str], Path]
    doubles: tuple[Path, ...]  # other files for the same, left out


def idx_files(folder: Path) -> list[IdxFiles]:
    """The data sets in a folder: files whose names have a word of `SPLITS` and one of `KINDS` in them.

    `train-images-idx3-ubyte.gz`, `my.test.labels`, `emnist-letters-train-images.idx3-ubyte`: what else is in the name
    tells data sets apart.
    """
    found: dict[str, IdxFiles] = {}
    for path, beginning, split, kind in _named(folder):
        files = found.setdefault(beginning, IdxFiles(beginning, {}, ()))
        if (split, kind) in files.paths:
            found[beginning] = files._replace(doubles=(*files.doubles, path))
        else:
            files.paths[split, kind] = path
    return [files for _, files in sorted(found.items())]


def _named(folder: Path) -> Iterator[tuple[Path, str, str, str]]:
    """(path, what else is in the name, split, kind) of each file that may be one."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return
    for path in paths:
        words = [word for word in re.split(r"[-_. ]+", path.name.lower()) if word]
        splits, kinds = [w for w in words if w in SPLITS], [w for w in words if w in KINDS]
        if len(splits) != 1 or len(kinds) != 1:
            continue
        rest = [w for w in words if w not in (*splits, *kinds) and not FORMAT.fullmatch(w)]
        ending = path.name.lower().removesuffix(".gz").rpartition(".")
        if ending[0] and ending[2] in rest and not _begins_as_idx(path):
            continue  # train-images.png, test_labels.csv: something else
        yield path, "-".join(rest), SPLITS[splits[0]], KINDS[kinds[0]]


def _begins_as_idx(path: Path) -> bool:
    """Whether the first bytes are those of an IDX or a gzip file."""
    try:
        with path.open("rb") as file:
            start = file.read(3)
    except OSError:
        return False
    return start == b"\0\0\x08" or start.startswith(GZIP_MAGIC)


def read_idx_files(files: IdxFiles, *, num_classes: int | None = None) -> Arrays:
    """Images uint8 (n, C, H, W) and labels int64 (n,) of each split that is there.

    Args:
        num_classes: K: labels must lie in 0..K-1; None accepts any.

    Raises:
        UserError: a file is missing, damaged, or of another kind; or there are not as many labels as images.
    """
    arrays: Arrays = {}
    for split in ("train", "dev", "test"):
        images, labels = (files.paths.get((split, kind)) for kind in ("images", "labels"))
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            there, lacking = (labels, "images") if images is None else (images, "labels")
            raise UserError(f"beside {there} there are no {lacking} of the same name: add that file")
        arrays[split] = _read_pair(images, labels, num_classes)
    shapes = {split: images.shape[1:] for split, (images, _) in arrays.items()}
    if len(set(shapes.values())) > 1:
        said = ", ".join(f"{split} {shape}" for split, shape in shapes.items())
        raise UserError(f"the splits have images of different (channels, height, width): {said}; make them the same")
    return arrays


def _read_pair(images: Path, labels: Path, num_classes: int | None) -> tuple[np.ndarray, np.ndarray]:
    image_shape, label_shape = idx_shape(images), idx_shape(labels)
    for path, shape, wanted, is_right in (
        (images, image_shape, "images", len(image_shape) > 1),
        (labels, label_shape, "labels", len(label_shape) == 1),
    ):
        if not is_right:
            raise UserError(
                f"{path} holds {'labels' if len(shape) == 1 else 'images'}, expected {wanted}: "
                "the image file and the label file seem to be swapped, rename them"
            )
    if image_shape[0] != label_shape[0]:
        raise UserError(
            f"{images} holds {image_shape[0]:,} images and {labels} {label_shape[0]:,} labels: "
            "use files that belong together"
        )
    pixels = _channels_first(images, read_idx(images, shape=image_shape))
    return pixels, read_idx(labels, shape=label_shape, num_classes=num_classes).astype(np.int64)


def _channels_first(path: Path, images: np.ndarray) -> np.ndarray:
    """(n, H, W), (n, H, W, C) or (n, C, H, W) as (n, C, H, W): the axis of 1 or 3 is the channels."""
    if images.ndim == 3:
        return images[:, None]
    first, last = (side in (1, 3) for side in (images.shape[1], images.shape[3]))
    if first == last:
        raise UserError(
            f"{one_line(path)} has images of shape {images.shape[1:]}, of which neither or both the first and the last "
            "can be 1 or 3 channels: save grey or RGB images"
        )
    return images if first else np.ascontiguousarray(images.transpose(0, 3, 1, 2))
