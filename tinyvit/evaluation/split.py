"""Choice of the images to evaluate on: a split, or all of a folder that the model was not trained on."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..datasets import Dataset, Split
from ..datasets.image_files import ImageFiles
from ..datasets.image_folder import list_whole
from ..datasets.listing import Listing
from ..datasets.multi_label import list_images, whole_multi_label
from ..datasets.recognise import recognise
from ..datasets.recorded_images import images_to_measure, note_memory, read_images, replayed
from ..datasets.split_names import split_called
from ..errors import UserError
from ..storage.paths import expanded
from ..storage.run_folder import read_run_config, run_data_dir, run_folder
from .dataset import load_dataset_for
from .prepared_files import prepared
from .preprocessing import Preprocessing

Note = Callable[[str], None]
ALL = "all"  # splits together


class ChosenSplit(NamedTuple):
    """Images that a model is evaluated on."""

    dataset: Dataset
    split: Split
    name: str  # train, dev, test or all
    left_out: int  # files that were passed over

    @property
    def words(self) -> str:
        """ "test split of photos", "all of photos" """
        return f"all of {self.dataset.name}" if self.name == ALL else f"{self.name} split of {self.dataset.name}"


def choose_split(
    preprocessing: Preprocessing,
    model_path: str | Path,
    *,
    split: str | None = None,
    data_dir: str | None = None,
    labels: str | None = None,
    note: Note,
) -> ChosenSplit:
    """The split of the data in `data_dir`, or else of those of the model's run.

    Args:
        split: train, dev (or val), test or all. None is the test split; where a folder is not split, all of it; but
            of the folder that the run was trained on, the part that it was not.
        labels: of a multi-label model, a table of the classes of images, in `data_dir` or beside it.
        note: is told what the user should know.

    Raises:
        UserError: there is none, or it does not fit the model.
    """
    split = split and split_called(split)
    if labels and not preprocessing.multi_label:
        raise UserError(f"{model_path} gives each image one class, which is its folder's: leave out --labels")
    if not labels and (place := place_of_arrays(model_path, data_dir)) is not None:
        dataset, name = load_dataset_for(preprocessing, data_dir=place, note=note), split or "test"
        left_out = dataset.left_out
    elif preprocessing.built_in:
        dataset, name, left_out = _built_in(preprocessing, split, data_dir, note)
    else:
        data_dir = data_dir or (str(Path(labels).parent) if labels else None)
        dataset, name, left_out = _images(preprocessing, model_path, split, data_dir, labels, note)
    chosen = _joined(dataset) if name == ALL else getattr(dataset, name)
    if not len(chosen):
        raise UserError(f"{dataset.name} has no images in its {name} split: choose another --split")
    if not preprocessing.multi_label and len(present := np.unique(chosen.labels)) == 1 < len(preprocessing.class_names):
        one = preprocessing.class_names[present[0]]
        note(f"All images are of one class, {one}: what is measured is how many of them the model takes for it.")
    return ChosenSplit(dataset, chosen, name, left_out)


def place_of_arrays(model_path: str | Path, data_dir: str | None) -> str | None:
    """Folder of files of arrays, if they lie in the one that was given, or else in the run's own."""
    place = data_dir or run_data_dir(model_path)
    return place if place is not None and recognise(place) else None


def _built_in(
    preprocessing: Preprocessing, split: str | None, data_dir: str | None, note: Note
) -> tuple[Dataset, str, int]:
    """MNIST and the like: their own files, or images in folders that are called as the classes."""
    try:
        return load_dataset_for(preprocessing, data_dir=data_dir), split or "test", 0
    except UserError as error:
        if data_dir is None:
            raise
        try:
            listing, name = _foreign(preprocessing, split, data_dir)
        except UserError:
            raise error from None
        if not {*listing.class_names} & {*preprocessing.class_names}:
            raise
    dataset = load_dataset_for(preprocessing, data_dir=data_dir, listing=listing, note=note)
    return prepared(dataset, preprocessing), name, listing.left_out


def _images(
    preprocessing: Preprocessing,
    model_path: str | Path,
    split: str | None,
    data_dir: str | None,
    labels: str | None,
    note: Note,
) -> tuple[Dataset, str, int]:
    """Images in folders: those that a run recorded, or others."""
    run, own = run_folder(model_path), run_data_dir(model_path)
    place = data_dir or own
    if place is None:
        raise UserError("this model is for images, which are not known: give a folder of them with --data-dir")
    began_with = read_images(run)
    listing, name = None, split or "test"
    if began_with and name != ALL and not labels:
        listing = images_to_measure(began_with, name, place, run=run, given=data_dir is not None, note=note)
    is_recorded = listing is not None
    if listing is not None and data_dir is None:
        listing = _with_replayed(listing, run, note)
    if listing is None:
        is_own = own is not None and _same_folder(place, own) and not labels
        listing, name = (
            (list_images(place, multi_label=preprocessing.multi_label), name)
            if is_own and name != ALL
            else _foreign(preprocessing, split, place, labels)
        )
    dataset = load_dataset_for(preprocessing, data_dir=place, listing=listing, note=note)
    if began_with and not is_recorded:
        chosen: Any = _joined(dataset) if name == ALL else getattr(dataset, name)
        note_memory(began_with, chosen.images.paths, note)
    return prepared(dataset, preprocessing), name, listing.left_out


def _with_replayed(listing: Listing, run: Path, note: Note) -> Listing:
    """Also the images of classes that a run knew when it added these; that they cannot be had is told."""
    try:
        kept = replayed(run, getattr(read_run_config(run), "replay_dir", None), note)
    except UserError as error:
        note(f"The classes known before are not measured: {error}.")
        kept = None
    return listing if kept is None else listing.joined(kept)


def _foreign(
    preprocessing: Preprocessing, split: str | None, folder: str, labels: str | None = None
) -> tuple[Listing, str]:
    """The images in a folder that no run knows, and what of them is measured."""
    whole = (
        whole_multi_label(folder, preprocessing.class_names, labels)
        if preprocessing.multi_label
        else list_whole(folder, preprocessing.class_names)
    )
    if not whole.is_split and split not in (None, ALL):
        return list_images(folder, labels, multi_label=preprocessing.multi_label), split
    if not whole.is_split:
        return whole.listing, ALL
    full = [name for name, files in whole.listing.splits.items() if files]
    return whole.listing, split or (full[0] if len(full) == 1 else "test")


def _same_folder(first: str, second: str) -> bool:
    return os.path.realpath(expanded(first)) == os.path.realpath(expanded(second))


def _splits(dataset: Dataset) -> dict[str, Any]:
    return {name: getattr(dataset, name) for name in ("train", "dev", "test")}


def _joined(dataset: Dataset) -> Split:
    """All splits in one."""
    splits = [split for split in _splits(dataset).values() if len(split)]
    labels = np.concatenate([split.labels for split in splits])
    images = [split.images for split in splits]
    if isinstance(images[0], ImageFiles):
        return Split(images[0].of([path for files in images for path in files.paths]), labels)
    return Split(np.concatenate(images), labels)
