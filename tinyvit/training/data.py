"""Data of a run of `tinyvit train`: the data set, and a model whose input and classes fit it."""

import dataclasses
import math
from collections.abc import Callable, Collection
from typing import Any

from ..config import ViTConfig
from ..config.run import TrainConfig
from ..datasets import Dataset, Split
from ..datasets.listing import Listing
from ..datasets.picture_files import PictureFiles
from ..datasets.pixel_statistics import pixel_statistics
from ..datasets.recognise import recognise
from ..datasets.scan import Findings
from ..errors import UserError
from ..images.processor import ImageProcessor
from .memory import free_memory

FREE = ("img_size", "patch_size", "in_chans", "num_classes")  # of a model, what may follow the data
GRID = 8  # patches along a side, where the patch size is to be chosen
PICTURE_SIZE, MAX_PICTURE_SIZE = 64, 96  # pixels: what pictures of many sizes, or of one that is larger, are resized to
MIB = 2**20
GREY = {"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L"}  # Pillow's modes

Note = Callable[[str], None]


def with_dataset(config: TrainConfig) -> TrainConfig:
    """The same, with the name of a data set where "auto" was.

    Raises:
        UserError: pictures are to be learned, and no folder is given.
    """
    if config.dataset == "auto":
        found: Any = "mnist" if config.data_dir is None else recognise(config.data_dir) or "folder"
        config = dataclasses.replace(config, dataset=found)
    if config.dataset == "folder" and config.data_dir is None:
        raise UserError("pictures have to be found: give their folder with --data-dir")
    return config


def fitted(model: ViTConfig, dataset: Dataset, free: Collection[str], note: Note) -> ViTConfig:
    """`model` with those of its fields that are `free` such as the data set needs; what was changed is told.

    Raises:
        UserError: the patches, which are not free, do not divide the images.
    """
    channels, height, width = dataset.train.images.shape[1:]
    size = height if height == width else (height, width)
    wanted: dict[str, Any] = {"img_size": size, "in_chans": channels, "num_classes": len(dataset.class_names)}
    changes = {name: value for name, value in wanted.items() if name in free and getattr(model, name) != value}
    patch_size = fitting_patch(height, width, model.patch_size)
    if "patch_size" in free and patch_size != model.patch_size:
        changes["patch_size"] = patch_size
    if "img_size" in free and "patch_size" not in free and (height % model.patch_size or width % model.patch_size):
        sizes = ", ".join(map(str, divisors(height, width)))
        raise UserError(
            f"the images of {dataset.name} are of {height}x{width} pixels, which do not divide into patches of "
            f"{model.patch_size}x{model.patch_size}: choose patch_size from {sizes}"
        )
    model = dataclasses.replace(model, **changes)
    if changes and model.input_shape == (channels, height, width):  # or else it will be refused
        said = ", ".join(f"{name} {value}" for name, value in changes.items())
        note(f"The model was fitted to the data: {said}.")
    return model


def fitting_patch(height: int, width: int, usual: int) -> int:
    """`usual`, if it divides the image; or else what cuts it into a number of patches near 8 x 8."""
    if height % usual == 0 and width % usual == 0:
        return usual
    return min(divisors(height, width), key=lambda size: abs(math.log(height * width / size**2 / GRID**2)))


def divisors(height: int, width: int) -> list[int]:
    """All sizes of patches that cut an image without a rest."""
    common = math.gcd(height, width)
    return [size for size in range(1, common + 1) if common % size == 0]


def picture_arrays(
    config: TrainConfig, listing: Listing, findings: Findings, free: Collection[str], note: Note
) -> tuple[Dataset, ImageProcessor]:
    """The pictures of a listing, all of them in memory, in the size and channels that the model takes.

    Args:
        findings: what is known of the pictures.
        free: fields of the model that follow the data: pictures that are all of one small size keep it, and grey ones
            their one channel.

    Returns:
        The data set, and what made it, which makes other pictures as the model knows them.

    Raises:
        UserError: a picture cannot be read, or they do not fit into the memory.
    """
    size, channels = config.model.image_shape, config.model.in_chans
    if "img_size" in free:
        size = picture_size(findings, None if "patch_size" in free else config.model.patch_size)
    if "in_chans" in free:
        channels = 1 if set(findings.modes) <= GREY else 3
    count, copies = sum(map(len, listing.splits.values())), 1 if config.workers == 1 else 2
    _check_memory(count, channels, size, copies, note)
    processor = ImageProcessor(in_chans=channels, size=size, white_level=findings.depths.white_level)
    train, dev, test = (
        Split(PictureFiles(files.paths, processor)[:], files.labels) for files in listing.splits.values()
    )
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


def picture_size(findings: Findings, patch_size: int | None) -> tuple[int, int]:
    """(H, W) for pictures: their own, if they are all alike and small, or else a square; a patch size divides it."""
    sizes = list(findings.sizes)
    alike = len(sizes) == 1 and max(sizes[0]) <= MAX_PICTURE_SIZE
    height, width = sizes[0] if alike else (PICTURE_SIZE, PICTURE_SIZE)
    if patch_size is None:
        return height, width
    return max(1, round(height / patch_size)) * patch_size, max(1, round(width / patch_size)) * patch_size


def _check_memory(count: int, channels: int, size: tuple[int, int], copies: int, note: Note) -> None:
    """Say what the pictures take.

    Raises:
        UserError: it is more than there is.
    """
    needed, there = count * channels * math.prod(size), free_memory()
    kind = "grey" if channels == 1 else "RGB" if channels == 3 else f"{channels} channels"
    said = f"{count:,} pictures of {size[0]}x{size[1]} pixels, {kind}, take {needed / MIB:,.1f} MiB"
    if copies * needed > there:
        raise UserError(
            f"{said} of memory{', twice with --workers' * (copies > 1)}, and {there / MIB:,.1f} MiB are free: choose a "
            "smaller --img-size, or fewer pictures"
        )
    note(f"{said} and are held in memory, resized.")
