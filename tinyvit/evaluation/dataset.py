"""The data set that a model was trained on, or one that it fits."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ..config.run import dataset_name
from ..datasets import Dataset, load_dataset
from ..datasets.image_files import image_dataset
from ..datasets.left_out import some
from ..datasets.listing import Listing
from ..datasets.matching import in_order_of
from ..datasets.multi_label import list_images
from ..datasets.recognise import recognise
from ..errors import UserError
from .preprocessing import Preprocessing


def load_dataset_for(
    preprocessing: Preprocessing,
    *,
    data_dir: str | None = None,
    listing: Listing | None = None,
    note: Callable[[str], None] = lambda sentence: None,
) -> Dataset:
    """The data set a model was trained on, with the normalisation and the class names that were saved beside it.

    Of a built-in data set, that is its files, and of others what lies in a folder: arrays in files, or images, as
    also where there is a `listing`.

    Args:
        listing: the images in `data_dir`, where they are known already.
        note: is told what the user should know of the folder.

    Raises:
        UserError: the data are not there, or are of other classes or sizes.
    """
    found = recognise(data_dir) if data_dir is not None and listing is None else None
    if listing or (found is None and not preprocessing.built_in):
        if data_dir is None:
            raise UserError("this model is for images, which are not known: give a folder of them with --data-dir")
        listing = in_order_of(
            preprocessing.class_names, listing or list_images(data_dir, multi_label=preprocessing.multi_label)
        )
        for sentence in listing.notes:
            note(sentence)
        dataset = image_dataset(listing, preprocessing.processor, name=dataset_name(data_dir))
        return dataclasses.replace(dataset, mean=preprocessing.mean, std=preprocessing.std)
    has_its_own = found is None or (preprocessing.built_in and found == preprocessing.dataset.removesuffix("-coarse"))
    dataset = load_dataset(preprocessing.dataset if has_its_own else found or "", data_dir=data_dir)
    for sentence in dataset.notes:
        note(sentence)
    _check_arrays(preprocessing, dataset)
    return dataclasses.replace(
        dataset, class_names=preprocessing.class_names, mean=preprocessing.mean, std=preprocessing.std
    )


def _check_arrays(preprocessing: Preprocessing, dataset: Dataset) -> None:
    """Check that a model takes these images and knows their classes; files of one's own have numbers for names.

    Raises:
        UserError: it does not.
    """
    size: Any = preprocessing.processor.output_size
    mine, wanted = tuple(dataset.test.images.shape[1:]), (preprocessing.processor.in_chans, *size)
    if mine != wanted:
        raise UserError(
            f"{dataset.name} has images of (channels, height, width) = {mine}, but the model takes {wanted}: "
            "give the data it was trained on"
        )
    ours, known = dataset.class_names, preprocessing.class_names
    if len(ours) > len(known) or (dataset.built_in and len(ours) != len(known)):
        raise UserError(
            f"{dataset.name} has {len(ours)} classes but the model has {len(known)}: give the data it was trained on"
        )
    if dataset.built_in and dataset.name != preprocessing.dataset and ours != known:
        raise UserError(
            f"{dataset.name} has other classes ({some(ours)}) than the model ({some(known)}): "
            "give the data it was trained on"
        )
