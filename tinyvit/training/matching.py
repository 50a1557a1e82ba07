"""Folders of pictures for a model that has its classes already: which folder means which class."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..datasets.left_out import some
from ..datasets.listing import Files, Listing
from ..errors import UserError


def in_order_of(class_names: Sequence[str], listing: Listing) -> Listing:
    """The same pictures with the model's classes: label k means `class_names[k]`. It may have more than the folder.

    Raises:
        UserError: the folder has a class whose name the model has not, or has twice.
    """
    known = Counter(class_names)
    if strange := [name for name in listing.class_names if known[name] != 1]:
        raise UserError(
            f"the folder and the model name their classes differently (the folder: {some(listing.class_names)}; "
            f"the model: {some(class_names)}; not one class of the model: {some(strange)}): "
            "rename the folders as the model's classes"
        )
    number = {name: k for k, name in enumerate(class_names)}
    new = np.array([number[name] for name in listing.class_names])
    train, dev, test = (Files(files.paths, new[files.labels]) for files in listing.splits.values())
    return Listing(tuple(class_names), train, dev, test, listing.notes)
