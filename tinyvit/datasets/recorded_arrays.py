"""Digests of the arrays that a run began with, kept in its folder, so that it resumes on the same data.

Images are listed one by one (`its_images`). Of arrays that no published checksum has proved genuine, a SHA-256 of
each split is kept.
"""

import hashlib
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..storage.files import read_json, to_json, write_file
from ..storage.run_folder import ARRAYS
from . import Dataset, Split


def write_digests(folder: Path, dataset: Dataset) -> None:
    """Keep what tells the arrays to learn from apart from others, before the first step.

    Raises:
        UserError: it cannot be written.
    """
    write_file(folder / ARRAYS, to_json(_digests(dataset)))


def check_digests(folder: Path, dataset: Dataset) -> None:
    """Check that these are the arrays that the run in `folder` began with; one that has kept nothing is not asked.

    Raises:
        UserError: they are others.
    """
    path = folder / ARRAYS
    if not path.exists():
        return
    kept, found = read_json(path), _digests(dataset)
    if changed := [split for split in found if kept.get(split) != found[split]]:
        raise UserError(
            f"the data of {dataset.name} are not those that {folder} began with ({' and '.join(changed)} differ): put "
            "the files back as they were, give another folder that has them with --data-dir, or start a new run"
        )


def _digests(dataset: Dataset) -> dict[str, str]:
    """Of the splits that a run learns from and is chosen by; the test is looked at once, at the end."""
    return {"train": _digest(dataset.train), "dev": _digest(dataset.dev)}


def _digest(split: Split) -> str:
    digest = hashlib.sha256(repr(split.images.shape).encode())
    numbers = split.labels.astype("<f8" if split.labels.dtype.kind == "f" else "<i8")
    for array in (split.images[:], numbers):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
