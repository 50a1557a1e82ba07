"""Data of a run of `tinyvit train`: the data set by name, and images of a folder as arrays."""

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from ..config.run import TrainConfig
from ..datasets import Dataset, Split, load_dataset
from ..datasets.image_files import ImageFiles
from ..datasets.image_folder import list_folder, list_unlabelled
from ..datasets.listing import Listing
from ..datasets.memory import check_memory
from ..datasets.pixel_statistics import pixel_statistics
from ..datasets.recognise import recognise
from ..datasets.scan import Findings
from ..errors import UserError
from ..images.colours import GREY_MODES
from ..images.processor import ImageProcessor
from ..tasks import task_of
from .readable import readable_images

IMAGE_SIZE, MAX_IMAGE_SIZE = 64, 96  # pixels: what images of many sizes, or of one that is larger, are resized to

Note = Callable[[str], None]


def with_dataset(config: TrainConfig) -> TrainConfig:
    """The same, with the name of a data set where "auto" was.

    Raises:
        UserError: images are to be learned, and no folder is given.
    """
    if config.dataset == "auto":
        found: Any = "mnist" if config.data_dir is None else recognise(config.data_dir) or "folder"
        config = dataclasses.replace(config, dataset=found)
    if config.dataset == "folder" and config.data_dir is None:
        raise UserError("images have to be found: give their folder with --data-dir")
    return config


def read_dataset(config: TrainConfig, note: Note) -> Dataset:
    """The data set of a run that has been trained, or another of its kind in `config.data_dir`.

    Raises:
        UserError: it is not there, or cannot be read.
    """
    if (own := task_of(config).dataset(config, note)) is not None:
        return own
    config = with_dataset(config)  # of a run on a folder of its own kind, the name was never looked for
    if config.dataset == "folder":
        return image_arrays(config, *images_for(config, (), note), (), note)[0]
    dataset = load_dataset(config.dataset, data_dir=config.data_dir)
    for sentence in dataset.notes:
        note(sentence)
    return dataset


def images_for(
    config: TrainConfig, free: Collection[str], note: Note, *, strict: bool = False
) -> tuple[Listing, Findings]:
    """The images in `config.data_dir` that can be read, and what was found in all of them.

    Args:
        free: fields of the model that follow the data; a given number of channels may have transparency among them.

    Raises:
        UserError: too little is left, or `strict` and something is left out.
    """
    processor = ImageProcessor(in_chans=3 if "in_chans" in free else config.model.in_chans)
    try:
        listing = list_folder(str(config.data_dir))
    except UserError:
        if task_of(config).needs_classes:
            raise
        listing = list_unlabelled(str(config.data_dir))
    return readable_images(listing, note, strict=strict, sees_transparency=processor.sees_transparency)


def image_arrays(
    config: TrainConfig, listing: Listing, findings: Findings, free: Collection[str], note: Note
) -> tuple[Dataset, ImageProcessor]:
    """The images of a listing, all of them in memory, in the size and channels that the model takes.

    Args:
        findings: what is known of the images.
        free: fields of the model that follow the data: images that are all of one small size keep it, and grey ones
            their one channel.

    Returns:
        The data set, and what made it, which makes other images as the model knows them.

    Raises:
        UserError: an image cannot be read, or they do not fit into the memory.
    """
    size, channels = config.model.image_shape, config.model.in_chans
    if "img_size" in free:
        size = image_size(findings, None if "patch_size" in free else config.model.patch_size)
    if "in_chans" in free:
        channels = 1 if set(findings.modes) <= GREY_MODES else 3
    count, copies = sum(map(len, listing.splits.values())), 1 if config.workers == 1 else 2
    check_memory(count, channels, size, note, copies=copies)
    processor = ImageProcessor(in_chans=channels, size=size, white_level=findings.depths.white_level)
    train, dev, test = (Split(ImageFiles(files.paths, processor)[:], files.labels) for files in listing.splits.values())
    if not len(test):
        note(
            "No test split: the report at the end is on the dev (validation) split that selected the epoch, so it is "
            "optimistic."
        )
        test = dev
    mean, std = pixel_statistics(train.images)
    said: Any = {"image_mean": mean, "image_std": std}
    dataset = Dataset(config.dataset_name, listing.class_names, mean, std, train, dev, test)
    return dataset, dataclasses.replace(processor, **said)


def image_size(findings: Findings, patch_size: int | None) -> tuple[int, int]:
    """(H, W) for images: their own, if they are all alike and small, or else a square; a patch size divides it."""
    sizes = list(findings.sizes)
    alike = len(sizes) == 1 and max(sizes[0]) <= MAX_IMAGE_SIZE
    height, width = sizes[0] if alike else (IMAGE_SIZE, IMAGE_SIZE)
    if patch_size is None:
        return height, width
    return max(1, round(height / patch_size)) * patch_size, max(1, round(width / patch_size)) * patch_size
