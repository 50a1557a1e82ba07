"""Class folders matched to the classes that a model has already."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..errors import UserError
from .class_names import same
from .left_out import some
from .listing import Files, Listing


def in_order_of(class_names: Sequence[str], listing: Listing) -> Listing:
    """The same images with the model's classes: label k means `class_names[k]`. It may have more than the folder.

    Raises:
        UserError: the folder has a class whose name the model has not, or has twice.
    """
    several = listing.train.labels.ndim == 2  # classes an image, or none
    known = Counter(map(_key, class_names))
    if strange := [name for name in listing.class_names if known[_key(name)] != 1]:
        raise UserError(
            f"the folder and the model name their classes differently (the folder: {some(listing.class_names)}; "
            f"the model: {some(class_names)}; not one class of the model: {some(strange)}): "
            "rename the folders as the model's classes" + ", and images of none of them belong to no folder" * several
        )
    number = {_key(name): k for k, name in enumerate(class_names)}
    new = np.array([number[_key(name)] for name in listing.class_names], np.int64)

    def renumbered(labels: np.ndarray) -> np.ndarray:
        if labels.ndim == 1:
            return new[labels]
        wider = np.zeros((len(labels), len(class_names)), bool)
        wider[:, new] = labels
        return wider

    train, dev, test = (Files(files.paths, renumbered(files.labels)) for files in listing.splits.values())
    return listing._replace(class_names=tuple(class_names), train=train, dev=dev, test=test)


def with_new_classes(class_names: Sequence[str], listing: Listing) -> tuple[str, ...]:
    """The model's classes, and behind them those of the folder that it does not know, sorted."""
    known = {*map(_key, class_names)}
    return *class_names, *(name for name in listing.class_names if _key(name) not in known)


def _key(name: str) -> str:
    """Alike for a class and its folder: accents may be stored otherwise, and no folder's name can hold a slash."""
    return same(name).replace("/", "_")
