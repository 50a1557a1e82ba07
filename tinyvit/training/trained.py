"""A trained model, ours or another's, with all that is needed to show it pictures and to name what it sees."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

from ..datasets import Dataset, load_dataset
from ..errors import UserError
from ..files import PREPROCESSOR
from ..pretrained import ImageProcessor, Source, load_model, open_source, read_processor
from ..vit import VisionTransformer
from .checks import check_preprocessing


class Preprocessing(NamedTuple):
    """What a model was fed: how its pixels were normalised, and what its classes are called."""

    dataset: str  # its name; empty where nobody said
    class_names: tuple[str, ...]
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    processor: ImageProcessor


def load_trained(path: str | Path, **options: Any) -> tuple[VisionTransformer, Preprocessing]:
    """The best model of a run, or any model that `VisionTransformer.from_pretrained` reads, and what it was fed.

    Args:
        options: of `pretrained.load_model`: `num_classes`, for a new head, and other fields of the config.

    Raises:
        UserError: there is no model, or it is damaged.
    """
    source = open_source(path)
    return load_model(VisionTransformer, source, **options), what_it_was_fed(source)


def what_it_was_fed(source: Source) -> Preprocessing:
    """As its files say; where they are silent, as its family does, and classes by number.

    Raises:
        UserError: the files make no sense.
    """
    values = source.preprocessor
    if "dataset" in values:
        check_preprocessing(values, source.path / PREPROCESSOR, source.config)
    processor = read_processor(source)
    numbers = tuple(map(str, range(source.config.num_classes)))
    names = tuple(values["class_names"]) if "dataset" in values else source.class_names or numbers
    dataset = values.get("dataset", "")
    return Preprocessing(dataset, names, processor.image_mean, processor.image_std, processor)


def load_its_dataset(fed: Preprocessing, *, data_dir: str | None = None) -> Dataset:
    """The data set a model was trained on, with the normalisation and the class names that were saved beside it.

    Raises:
        UserError: the data are not there, or have other classes.
    """
    dataset = load_dataset(fed.dataset, data_dir=data_dir)
    if len(dataset.class_names) != len(fed.class_names):
        raise UserError(
            f"{dataset.name} has {len(dataset.class_names)} classes but the model has {len(fed.class_names)}: "
            "give the data it was trained on"
        )
    return dataclasses.replace(dataset, class_names=fed.class_names, mean=fed.mean, std=fed.std)
