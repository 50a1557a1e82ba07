"""Preprocessing and class names of a model: kept beside its weights, read back, applied."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config import ViTConfig
from ..config.run import FinetuneConfig, RunConfig, TrainConfig
from ..datasets import Dataset, normalize
from ..datasets.sources import SOURCES
from ..errors import UserError
from ..images.deep_grey import in_words
from ..images.digits import Found
from ..images.open import left_out, open_image
from ..images.own_image import digits_in, largest_of, prepare_image, read_image
from ..images.processor import ImageProcessor
from ..images.transparency import shows_nothing
from ..pretrained import MULTI_LABEL, Checkpoint, problem_type
from ..storage.checks import check, is_number, is_text
from ..storage.files import PREPROCESSOR, to_json
from ..storage.run_folder import read_run_config, run_folder

BLANK = "transparent, and nothing of it can be seen: it is of one colour"
# How a model prepares images that learned a built-in data set of drawings, and then other classes.
DRAWN = "light on dark"
THRESHOLD = 0.5  # where no other is given: what is more probable than not


class Prepared(NamedTuple):
    image: np.ndarray  # uint8 (C, H, W)
    done: str = ""  # to make it so, in plain words, where it was not what the image processor says
    is_blank: bool = False  # a transparent image of which nothing can be seen
    found: Found | None = None  # all digits in it, where the model knows digits; `image` is the largest


class Preprocessing(NamedTuple):
    """Preprocessing of a model's images, and the names of its classes."""

    dataset: str  # its name; empty where unknown
    class_names: tuple[str, ...]
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    processor: ImageProcessor
    built_in: bool = False  # whether `load_dataset` knows the data set; a folder of images may have the same name
    multi_label: bool = False  # whether each class is a yes or no by itself (sigmoid), or one is chosen (softmax)
    threshold: float = THRESHOLD  # the least probability of a yes
    assumption: str = ""  # that no file says how images are prepared, in a sentence
    drawn: str = "picture"  # how an image of one's own is prepared, as `Source.drawn` says

    @property
    def looks_for_digits(self) -> bool:
        """Whether the model learned digits, one an image, so that they are looked for in an image."""
        return self.drawn == "digit"

    @property
    def is_drawing(self) -> bool:
        """Whether images are light on black, so that black is nothing."""
        return self.drawn != "picture"

    def paint(self, in_chans: int, dtype: Any = np.float32) -> np.ndarray:
        """Normalised colour that says nothing, (C, 1, 1): black of drawings, of pictures the mean, which is 0."""
        pixels = np.zeros((in_chans, 1, 1))
        return normalize(pixels, self.mean, self.std, dtype) if self.is_drawing else pixels.astype(dtype)

    def prepare(self, path: str | os.PathLike[str]) -> Prepared:
        """An image file as the model takes it.

        Raises:
            UserError: it cannot be read, or there is nothing to be seen in it.
        """
        size: Any = self.processor.output_size
        image = read_image(path) if self.is_drawing else open_image(path)
        try:
            note = "; ".join(filter(None, (in_words(image, self.processor.white_level), left_out(path))))
            if not self.is_drawing:
                blank = not self.processor.sees_transparency and shows_nothing(image)
                return Prepared(self.processor.pixels(image), BLANK if blank else note, blank)
            if self.looks_for_digits:
                found = digits_in(image, size=size)
                pixels, done = largest_of(found)
            else:
                found = None
                pixels, done = prepare_image(image, size=size, channels=self.processor.in_chans)
            return Prepared(pixels, "; ".join(filter(None, (done, note))), found=found)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error


def read_preprocessing(checkpoint: Checkpoint) -> Preprocessing:
    """Read it from the model's files; where they are silent, as its family does, and classes by number.

    Raises:
        UserError: the files make no sense.
    """
    values = checkpoint.preprocessor
    if "dataset" in values:
        check_preprocessing(values, checkpoint.path / PREPROCESSOR, checkpoint.config)
    processor = checkpoint.processor()
    numbers = () if checkpoint.is_projection else tuple(map(str, range(checkpoint.config.num_classes)))
    names = tuple(values["class_names"]) if "dataset" in values else checkpoint.class_names or numbers
    dataset, built_in = values.get("dataset", ""), _is_built_in(checkpoint)
    return Preprocessing(
        dataset,
        names,
        *processor.statistics,
        processor,
        built_in,
        multi_label=problem_type(checkpoint.values, checkpoint.config.num_classes) == MULTI_LABEL,
        threshold=values["threshold"] if "dataset" in values and "threshold" in values else THRESHOLD,
        assumption=checkpoint.assumption,
        drawn=SOURCES[dataset].drawn if built_in else DRAWN if values.get("drawn") == DRAWN else "picture",
    )


def _is_built_in(checkpoint: Checkpoint) -> bool:
    """As its files say. Older ones do not: a run's kind decides; of a model without a run, whether it was trained with
    the very classes and statistics of the data set that it names.
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


def check_preprocessing(values: dict[str, Any], path: Path, model: ViTConfig) -> None:
    """Check that pixels can be normalised and classes be named as `values` says.

    Raises:
        UserError: something is missing, makes no sense, or does not fit the model.
    """
    for key, count, wanted, is_right in (
        ("class_names", model.num_classes, f"{model.num_classes} names", is_text),
        ("image_mean", model.in_chans, "a number from 0 to 1 for each channel", lambda x: is_number(x, 0, 1)),
        ("image_std", model.in_chans, "a number from 0.0001 to 1 for each channel", lambda x: is_number(x, 1e-4, 1)),
    ):
        entries = values.get(key)
        right = isinstance(entries, list) and len(entries) == count and all(map(is_right, entries))
        check(right, path, f"{key} must be {wanted}", entries)
    threshold = values.get("threshold", 0.5)
    check(is_number(threshold, 0, 1), path, "threshold must be a probability", threshold)
    name, built_in = values.get("dataset"), values.get("built_in", False)
    check(is_text(name), path, "dataset must be a name", name)
    check(isinstance(built_in, bool), path, "built_in must be true or false", built_in)
    known = not built_in or name in SOURCES
    check(known, path, f"dataset must be one of {', '.join(SOURCES)} where built_in is true", name)


def preprocessor_json(
    dataset: Dataset, config: RunConfig, processor: ImageProcessor | None = None, *, is_drawn: bool = False
) -> bytes:
    """`preprocessor_config.json` in Hugging Face's words, with the names of the data set and its classes beside, and
    whether that is one that `load_dataset` knows.

    Without a `processor`: straight to the model's size, normalised as the data set says.
    """
    mean: Any = dataset.mean
    std: Any = dataset.std
    if processor is None:
        processor = ImageProcessor(
            in_chans=config.model.in_chans,
            size=config.model.image_shape,
            image_mean=mean,
            image_std=std,
        )
    names = {"dataset": dataset.name, "built_in": dataset.built_in, "class_names": list(dataset.class_names)}
    if not config.is_classifier:  # an encoder alone, and beside it what names the classes
        names |= {"class_names": [], "task_class_names": list(dataset.class_names)}
    threshold = {"threshold": config.threshold} if dataset.multi_label and isinstance(config, FinetuneConfig) else {}
    return to_json(processor.to_dict() | names | threshold | ({"drawn": DRAWN} if is_drawn else {}))
