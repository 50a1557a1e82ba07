"""Stratified splits: images held back for dev (validation) and test where a data set has none."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from ..backend import bincount
from .listing import Files
from .split import dev_split

NO_SPLIT = {"folder": "The folder has no train, val and test in it", "table": "The table names no split"}
NO_DEV = {"folder": "There are no images in a folder val", "table": "The table has no images of the split val"}


def hold_back(
    found: Mapping[str, Files],
    *,
    is_split: bool,
    dev_share: float,
    test_share: float,
    seed: int,
    source: Literal["folder", "table"] = "folder",
) -> tuple[Files, Files, Files, list[str]]:
    """train, dev and test, and notes. Without a dev split, one is split off train, and if nothing is split, a test
    split, too.

    Args:
        found: split -> its files, of train at least.
        is_split: or all of it is called train.
        dev_share, test_share: how much of all images that are to be split goes there.
        seed: decides which.
        source: what says which split an image belongs to, for the notes.
    """
    notes = []
    train, none = found["train"], found["train"].chosen([])
    dev, test = found.get("dev", none), found.get("test", none)
    total = len(train)
    if not is_split:
        train, test = _split_off(train, round(test_share * total), seed)
    if made_dev := not dev:
        train, dev = _split_off(train, round(dev_share * total), seed)
    if not is_split:
        notes.append(
            f"{NO_SPLIT[source]}, so its {total:,} images were split, each class in proportion: {len(train):,} to "
            f"train on, {len(dev):,} for dev and {len(test):,} for test (seed {seed})."
        )
    elif made_dev:
        notes.append(
            f"{NO_DEV[source]}, so {len(dev):,} of the {total:,} training images became the dev "
            f"split, each class in proportion (seed {seed})."
        )
    if not test:
        notes.append("There is no test split, so only dev can tell how good a model is, by which it was chosen.")
    return train, dev, test, notes


def _split_off(files: Files, size: int, seed: int) -> tuple[Files, Files]:
    """Split off `size` files of all classes in proportion; returns the rest, and those.

    Classes of one file give none, and the others give at most half, so that something of each remains.
    """
    classes = files.labels if files.labels.ndim == 1 else _rarest(files.labels)
    giving = np.flatnonzero(bincount(classes)[classes] > 1)
    size = min(size, len(giving) // 2)
    if not size:
        return files, files.chosen([])
    given = giving[dev_split(classes[giving], size, seed=seed)[1]]
    return files.chosen(np.setdiff1d(np.arange(len(files)), given)), files.chosen(given)


def _rarest(labels: np.ndarray) -> np.ndarray:
    """Booleans (n, K) -> the class of each row that the fewest rows are of, int64 (n,); K where there is none.

    Split in proportion to it, the rare classes are, which chance would miss; the others have images enough.
    """
    counts = labels.sum(axis=0)
    return np.where(labels.any(axis=1), np.where(labels, counts, len(labels) + 1).argmin(axis=1), labels.shape[1])
