"""A trained model, ours or another's, with all that is needed to show it pictures and to name what it sees."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..datasets import Dataset, load_dataset
from ..datasets.class_names import dataset_name
from ..datasets.left_out import some
from ..datasets.listing import Listing
from ..datasets.multi_label import list_pictures
from ..datasets.picture_files import picture_dataset
from ..datasets.recognise import recognise
from ..datasets.sources import SOURCES
from ..errors import UserError
from ..images.deep_grey import in_words
from ..images.digits import Found
from ..images.open import open_picture
from ..images.own_image import digits_in, largest_of, prepare_picture, read_image
from ..images.processor import ImageProcessor
from ..images.transparency import shows_nothing
from ..pretrained import MULTI_LABEL, REGRESSION, Checkpoint, open_checkpoint, problem_type
from ..storage.files import PREPROCESSOR
from ..vit import VisionTransformer
from .checks import check_preprocessing
from .config import TrainConfig
from .matching import in_order_of
from .run import read_run_config, run_folder

BLANK = "transparent, and nothing of it can be seen: it is of one colour"
THRESHOLD = 0.5  # where nobody said another: what is more probable than not


class Prepared(NamedTuple):
    image: np.ndarray  # uint8 (C, H, W)
    done: str = ""  # to make it so, in plain words, where it was not what the image processor says
    is_blank: bool = False  # a transparent picture of which nothing can be seen
    found: Found | None = None  # all digits in it, where the model knows digits; `image` is the largest


class Preprocessing(NamedTuple):
    """What a model was fed: how its pixels were normalised, and what its classes are called."""

    dataset: str  # its name; empty where nobody said
    class_names: tuple[str, ...]
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    processor: ImageProcessor
    built_in: bool = False  # whether `load_dataset` knows the data set; a folder of pictures may have the same name
    multi_label: bool = False  # whether each class is a yes or no by itself (sigmoid), or one is chosen (softmax)
    threshold: float = THRESHOLD  # the least probability of a yes

    @property
    def looks_for_digits(self) -> bool:
        """Whether it was fed digits, one an image, so that they are looked for in a picture."""
        return self.built_in and SOURCES[self.dataset].drawn == "digit"

    def prepare(self, path: str | os.PathLike[str]) -> Prepared:
        """A picture file as the model takes it.

        Raises:
            UserError: it cannot be read, or there is nothing to be seen in it.
        """
        size: Any = self.processor.output_size
        is_drawing = self.built_in and SOURCES[self.dataset].drawn != "picture"
        image = read_image(path) if is_drawing else open_picture(path)
        try:
            depth = in_words(image, self.processor.white_level)
            if not is_drawing:
                blank = self.processor.in_chans in (1, 3) and shows_nothing(image)
                return Prepared(self.processor.pixels(image), BLANK if blank else depth, blank)
            if self.looks_for_digits:
                found = digits_in(image, size=size)
                pixels, done = largest_of(found)
            else:
                found = None
                pixels, done = prepare_picture(image, size=size, channels=self.processor.in_chans)
            return Prepared(pixels, "; ".join(filter(None, (done, depth))), found=found)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error


def load_trained(path: str | Path, **options: Any) -> tuple[VisionTransformer, Preprocessing]:
    """The best model of a run, or any model that `VisionTransformer.from_pretrained` reads, and what it was fed.

    Half precision becomes float32: processors have no arithmetic for it, and take 30 times as long.

    Args:
        options: of `VisionTransformer.from_checkpoint`: `num_classes`, for a new head, and other fields of the config.

    Raises:
        UserError: there is no model, or it is damaged.
    """
    checkpoint = open_checkpoint(path)
    model = VisionTransformer.from_checkpoint(checkpoint, **options)
    if model.dtype == np.float16:
        model = model.astype(np.float32)
    return model, what_it_was_fed(checkpoint)


def load_classifier(path: str | Path) -> tuple[VisionTransformer, Preprocessing]:
    """As `load_trained`, of a model that names classes.

    Raises:
        UserError: it has no head, or one for numbers, or as `load_trained` does.
    """
    checkpoint = open_checkpoint(path)
    what = "has no head" if not checkpoint.config.num_classes else ""
    if checkpoint.is_projection:
        what = "has a projection in its head's place"
    elif problem_type(checkpoint.values, checkpoint.config.num_classes) == REGRESSION:
        what = what or "predicts numbers (problem_type regression)"
    if what:
        raise UserError(f"{path} {what}, so it names no classes: give it a new head, tinyvit finetune --model {path}")
    fed = what_it_was_fed(checkpoint)
    fed.processor.mode  # noqa: B018  pictures have as many channels, or it is said that they have not
    return VisionTransformer.from_checkpoint(checkpoint), fed


def what_it_was_fed(checkpoint: Checkpoint) -> Preprocessing:
    """As its files say; where they are silent, as its family does, and classes by number.

    Raises:
        UserError: the files make no sense.
    """
    values = checkpoint.preprocessor
    if "dataset" in values:
        check_preprocessing(values, checkpoint.path / PREPROCESSOR, checkpoint.config)
    processor = checkpoint.processor()
    numbers = () if checkpoint.is_projection else tuple(map(str, range(checkpoint.config.num_classes)))
    names = tuple(values["class_names"]) if "dataset" in values else checkpoint.class_names or numbers
    dataset = values.get("dataset", "")
    return Preprocessing(
        dataset,
        names,
        *processor.statistics,
        processor,
        _is_built_in(checkpoint),
        multi_label=problem_type(checkpoint.values, checkpoint.config.num_classes) == MULTI_LABEL,
        threshold=values["threshold"] if "dataset" in values and "threshold" in values else THRESHOLD,
    )


def _is_built_in(checkpoint: Checkpoint) -> bool:
    """As its files say. Older ones do not: of a run, its kind decides; of a model without one, whether it was fed with
    the very classes and numbers of the data set that it names.
    """
    values = checkpoint.preprocessor
    known = SOURCES.get(values.get("dataset", ""))
    if known is None or "built_in" in values:
        return known is not None and values["built_in"]
    try:
        return isinstance(read_run_config(run_folder(checkpoint.path)), TrainConfig)
    except UserError:  # it belongs to no run
        numbers = known.class_names, [known.mean], [known.std]
        return (tuple(values["class_names"]), values["image_mean"], values["image_std"]) == numbers


def load_its_dataset(
    fed: Preprocessing,
    *,
    data_dir: str | None = None,
    listing: Listing | None = None,
    note: Callable[[str], None] = lambda sentence: None,
) -> Dataset:
    """The data set a model was trained on, with the normalisation and the class names that were saved beside it.

    Of a built-in data set, that is its files, and of others what lies in a folder: arrays in files, or pictures, as
    also where there is a `listing`.

    Args:
        listing: the pictures in `data_dir`, where they are known already.
        note: is told what the user should know of the folder.

    Raises:
        UserError: the data are not there, or are of other classes or sizes.
    """
    found = recognise(data_dir) if data_dir is not None and listing is None else None
    if listing or (found is None and not fed.built_in):
        if data_dir is None:
            raise UserError("this model is for pictures, which are not known: give a folder of them with --data-dir")
        listing = in_order_of(fed.class_names, listing or list_pictures(data_dir, multi_label=fed.multi_label))
        for sentence in listing.notes:
            note(sentence)
        dataset = picture_dataset(listing, fed.processor, name=dataset_name(data_dir))
        return dataclasses.replace(dataset, mean=fed.mean, std=fed.std)
    has_its_own = found is None or (fed.built_in and found == fed.dataset.removesuffix("-coarse"))
    dataset = load_dataset(fed.dataset if has_its_own else found or "", data_dir=data_dir)
    for sentence in dataset.notes:
        note(sentence)
    _check_arrays(fed, dataset)
    return dataclasses.replace(dataset, class_names=fed.class_names, mean=fed.mean, std=fed.std)


def _check_arrays(fed: Preprocessing, dataset: Dataset) -> None:
    """Whether a model takes these images and knows their classes; files of one's own have numbers for names.

    Raises:
        UserError: it does not.
    """
    size: Any = fed.processor.output_size
    mine, wanted = tuple(dataset.test.images.shape[1:]), (fed.processor.in_chans, *size)
    if mine != wanted:
        raise UserError(
            f"{dataset.name} has images of (channels, height, width) = {mine}, but the model takes {wanted}: "
            "give the data it was trained on"
        )
    ours, known = dataset.class_names, fed.class_names
    if len(ours) > len(known) or (dataset.built_in and len(ours) != len(known)):
        raise UserError(
            f"{dataset.name} has {len(ours)} classes but the model has {len(known)}: give the data it was trained on"
        )
    if dataset.built_in and dataset.name != fed.dataset and ours != known:
        raise UserError(
            f"{dataset.name} has other classes ({some(ours)}) than the model ({some(known)}): "
            "give the data it was trained on"
        )
