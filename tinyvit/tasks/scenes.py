"""Images of several things, for segmentation and detection: canvases made of a classification's images, or a data set
that has masks or boxes for labels.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..backend import to_device, to_numpy
from ..backend.random import ExampleRows
from ..config.run import dataset_name
from ..datasets import Dataset, Split, normalize
from ..datasets.canvases import Canvases, canvases
from ..datasets.coco import is_coco_folder, list_coco
from ..datasets.mask_folder import is_mask_folder, list_masks, read_mask
from ..datasets.memory import check_memory
from ..datasets.recognise import recognise
from ..datasets.scene_files import SceneFiles, scene_arrays
from ..errors import UserError
from ..evaluation.predict import usual_batch_size
from ..evaluation.segmentation import BACKGROUND
from ..images.colours import GREY_MODES
from ..images.processor import ImageProcessor
from ..layers import EncoderWithHead
from .fit import Note, check_classes
from .task import Task


class Kind(NamedTuple):
    """A kind of truth that images in a folder may have."""

    name: str
    task: str  # that learns from it
    layout: str  # of a folder
    is_in: Callable[[str], bool]  # whether a folder is arranged so
    files: Callable[[str], SceneFiles]


MASKS = Kind("masks", "segment", "folders called images and masks", is_mask_folder, list_masks)
BOXES = Kind("boxes in COCO's JSON", "detect", "COCO's train.json beside its images", is_coco_folder, list_coco)


def own_scenes(config: Any, wanted: Kind, note: Note) -> Dataset | None:
    """The images in `config.data_dir`, with masks or boxes, resized to the model's size; None where canvases are meant,
    of a published data set, IDX files, or classes in folders if `config.dataset` says so.

    Raises:
        UserError: a file is wrong, the images have the other kind of truth or none, or do not fit into the memory.
    """
    if config.data_dir is None or config.dataset not in ("auto", "folder"):
        return None
    if not wanted.is_in(config.data_dir):
        (other,) = {MASKS, BOXES} - {wanted}
        if other.is_in(config.data_dir):
            raise UserError(
                f"{config.data_dir} has {other.name}, and the task {wanted.task} learns from {wanted.name}: give a "
                f"folder with those, or use --task {other.task}"
            )
        if config.dataset == "auto" and not recognise(config.data_dir):
            raise UserError(
                f"{config.data_dir} has no {wanted.name}: give a folder with {wanted.layout}; or --dataset folder, to "
                "compose canvases of images in a folder for each class"
            )
        return None
    files, (H, W) = wanted.files(config.data_dir), config.model.image_shape
    channels = 1 if files.modes.keys() <= GREY_MODES else 3
    truths: Any = [scene.truth for scene in files.scenes]
    beside = H * W if wanted is MASKS else 4 * max(map(np.size, truths))  # bytes: uint8, or float32
    check_memory(len(files.scenes), channels, (H, W), note, beside=beside, copies=1 if config.workers == 1 else 2)
    processor = ImageProcessor(in_chans=channels, size=(H, W))
    dataset = scene_arrays(files, processor, dataset_name(config.data_dir), read_mask)
    if set(files.sizes) != {(H, W)}:
        said = f"Images are resized to {H}x{W} pixels, learned from and measured in that size: choose it by img_size."
        dataset = dataclasses.replace(dataset, notes=(*dataset.notes, said))
    for sentence in dataset.notes:
        note(sentence)
    return dataset


def is_composed(dataset: Dataset) -> bool:
    """Whether images have one class each, so that canvases are made of them."""
    return dataset.train.labels.ndim == 1


def training_canvases(config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Canvases:
    """Canvases of images of the training split, one for each of those `chosen`."""
    return _composed(config, dataset.train, chosen, rng)


def evaluation_canvases(config: Any, dataset: Dataset, split: str, examples: range) -> Canvases:
    """Canvases of images of `split` alone, the same each time: canvas i is made of image i and others."""
    return _composed(config, getattr(dataset, split), np.asarray(examples), ExampleRows(config.seed, split, examples))


def _composed(config: Any, split: Split, chosen: np.ndarray, rng: Any) -> Canvases:
    images, labels, size = split.images, split.labels, config.model.image_shape
    return canvases(images, labels, chosen, rng, size=size, max_digits=config.max_digits)


def as_model_sees(config: Any, dataset: Dataset, *, with_background: bool, is_free: bool) -> Dataset:
    """The data set with the shape of its canvases, to fit a model to.

    Args:
        with_background: whether the background is a class, the first.
        is_free: whether the size follows the images, twice theirs; or else it is what the config says.
    """
    if not is_composed(dataset):
        return dataset
    n, C, *sides = dataset.train.images.shape
    H, W = (2 * side for side in sides) if is_free else config.model.image_shape
    images = np.broadcast_to(np.uint8(0), (n, C, H, W))  # a shape alone, without memory
    names = (*([BACKGROUND] if with_background else []), *dataset.class_names)
    return dataclasses.replace(dataset, class_names=names, train=Split(images, dataset.train.labels))


class SceneTask(Task[EncoderWithHead]):
    """Segmentation and detection: on canvases, or on images with that kind of truth."""

    unused: ClassVar[tuple[str, ...]] = ("augment", "label_smoothing", "class_weights")
    truth: ClassVar[Kind]
    with_background: ClassVar[bool]  # whether the background is a class, the first

    def dataset(self, config: Any, note: Note) -> Dataset | None:
        return own_scenes(config, self.truth, note)

    def fit(self, config: Any, dataset: Dataset, free: Collection[str], note: Note) -> Any:
        seen = as_model_sees(config, dataset, with_background=self.with_background, is_free="img_size" in free)
        return super().fit(config, seen, free, note)

    def check(self, config: Any, dataset: Dataset) -> None:
        """Also that a canvas has room for an image.

        Raises:
            UserError: it has not.
        """
        seen = as_model_sees(config, dataset, with_background=self.with_background, is_free=False)
        super().check(config, seen)
        check_classes(config, seen)
        H, W = config.model.image_shape
        h, w = dataset.train.images.shape[2:]
        if is_composed(dataset) and (h > H or w > W):
            raise UserError(
                f"images of {h}x{w} pixels do not fit on canvases of {H}x{W}: choose a larger img_size, or leave it out"
            )


class Outputs(NamedTuple):
    """Some examples of a split, and what a model says of them."""

    examples: range  # indices
    made: Canvases | None  # where they are canvases
    images: np.ndarray  # uint8 (B, C, H, W)
    y: np.ndarray


def outputs(config: Any, model: Any, dataset: Dataset, split: str, rows: slice) -> Iterator[Outputs]:
    """Outputs of a model for `rows` of a split, batch by batch."""
    images = getattr(dataset, split).images
    examples = range(len(images))[rows]
    size = usual_batch_size(model.encoder)
    for first in range(0, len(examples), size):
        some = examples[first : first + size]
        made = evaluation_canvases(config, dataset, split, some) if is_composed(dataset) else None
        shown = images[some.start : some.stop] if made is None else made.images
        x = normalize(shown, dataset.mean, dataset.std, model.dtype)
        yield Outputs(some, made, shown, to_numpy(model.forward(to_device(x, model.device))[0]))
