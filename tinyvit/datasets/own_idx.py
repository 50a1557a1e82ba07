"""A data set of one's own in IDX files: any number of images, of any size, in any number of classes."""

import os
from typing import Any

import numpy as np

from ..backend import bincount
from ..config.run import dataset_name
from ..errors import UserError
from ..storage.paths import expanded
from .dataset import Dataset, Split
from .idx_files import idx_files, read_idx_files
from .pixel_statistics import pixel_statistics
from .split import dev_split

OWN = "idx"  # the name under which such files are loaded
SHARE = 0.15  # of the images, at most, that are held back for dev, or for a test that is not there


def own_idx(data_dir: str | os.PathLike[str] | None, *, dev_size: int, split_seed: int) -> Dataset:
    """The one data set in a folder; classes are called by their numbers. See `load_dataset` for the arguments.

    Raises:
        UserError: there is none, or more than one, or files are missing or damaged.
    """
    if data_dir is None:
        raise UserError("IDX files of your own have to be found: give their folder with --data-dir")
    place = expanded(data_dir)
    sets = idx_files(place)
    if len(sets) != 1:
        several = f"{len(sets)} data sets ({', '.join(files.beginning or 'one without a name' for files in sets)})"
        raise UserError(
            f"{place} has {several if sets else 'no IDX files'}: put the four files of one (train-images.idx3-ubyte, "
            "train-labels.idx1-ubyte, test-images.idx3-ubyte, test-labels.idx1-ubyte) into a folder of their own"
        )
    arrays = read_idx_files(sets[0])
    notes = [f"{path} was left out: there is another file for the same." for path in sets[0].doubles]
    notes.append(f"The IDX files in {place} are your own: no checksum could verify them.")
    if "train" not in arrays:
        pixels, classes = next(iter(arrays.values()))
        arrays["train"] = pixels[:0], classes[:0]  # to measure a model, it takes none
    splits = {split: Split(*pair) for split, pair in arrays.items()}
    for split, what in (("test", "test"), ("dev", "dev")):
        if split not in splits:
            images, labels = splits["train"].images, splits["train"].labels
            size = min(dev_size, round(SHARE * len(labels)))
            rest, held = dev_split(labels, size, seed=split_seed) if len(labels) else (labels, labels)
            splits |= {"train": Split(images[rest], labels[rest]), split: Split(images[held], labels[held])}
            notes.append(f"There are no files for {what}, so {len(held):,} of the training images became that split.")
    num_classes = 1 + max(int(split.labels.max(initial=0)) for split in splits.values())
    names = tuple(map(str, range(num_classes)))
    train = splits["train"]
    statistics = pixel_statistics(train.images[:]) if len(train) else (0.5, 0.5)
    none = [names[k] for k in np.flatnonzero(bincount(train.labels, minlength=num_classes) == 0)]
    if none and len(train):
        notes.append(f"There is nothing to train on in the class{'es' * (len(none) > 1)} {', '.join(none[:10])}.")
    said: Any = {"notes": tuple(notes), "left_out": len(sets[0].doubles)}
    return Dataset(dataset_name(place), names, *statistics, train, splits["dev"], splits["test"], **said)
