"""Models and data that fit each other: input, classes, augmentation."""

import dataclasses
import math
from collections.abc import Callable, Collection
from typing import Any

from ..config import ViTConfig
from ..config.costs import numbers_held
from ..config.run import RunConfig, TrainConfig
from ..datasets import Dataset
from ..errors import UserError

FREE = ("img_size", "patch_size", "in_chans", "num_classes")  # of a model, what may follow the data
GRID = 8  # patches along a side, where the patch size is to be chosen
MAX_VALUES = 10**10  # in a model: with gradients and optimizer state, 160 GB

Note = Callable[[str], None]


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


def check_splits(dataset: Dataset) -> None:
    """Check that there is something to learn from.

    Raises:
        UserError: there is not.
    """
    for split in ("train", "dev"):
        if not len(getattr(dataset, split)):
            raise UserError(f"{dataset.name} has no images for {split}: add some, or use another data set")


def check_unused(config: RunConfig, names: Collection[str]) -> None:
    """Check that fields which a task has no use for are as they are by default.

    Raises:
        UserError: one is not.
    """
    for name in names:
        if (value := getattr(config, name)) != getattr(type(config), name):
            raise UserError(f"the task {config.task} has no use for {name}, got {value}: leave it out")


def check_images(config: TrainConfig, dataset: Dataset) -> None:
    """Check that the model takes the images of the data set, that augmentation leaves something of them, and that the
    model can be held.

    Raises:
        UserError: it does not.
    """
    model, wanted = config.model, dataset.train.images.shape[1:]
    if model.input_shape != wanted:
        raise UserError(
            f"{dataset.name} images are (channels, height, width) = {wanted}, but the model takes "
            f"{model.input_shape}: set img_size and in_chans to match, or leave them out"
        )
    check_augmentation(config)
    check_size(model)


def check_augmentation(config: TrainConfig) -> None:
    """Check that augmentation leaves something of the images.

    Raises:
        UserError: it moves them out of sight.
    """
    side = min(config.model.image_shape)
    for name, augment in (("shift", "shift"), ("translate", "affine")):
        pixels = getattr(config, name)
        if config.augment == augment and pixels >= side:
            raise UserError(
                f"{name} moves images of {side} pixels by up to {pixels:g}, out of sight: choose less than {side}"
            )


def check_size(model: ViTConfig) -> None:
    """Check that a model can be held.

    Raises:
        UserError: it has too many parameters.
    """
    if numbers_held(model) > MAX_VALUES:
        raise UserError(
            f"a model of depth {model.depth} and embed_dim {model.embed_dim} would hold more than {MAX_VALUES:,} "
            "values: choose a smaller one"
        )


def check_classes(config: TrainConfig, dataset: Dataset) -> None:
    """Check that the model has the classes of the data set.

    Raises:
        UserError: it has not.
    """
    if config.model.num_classes != len(dataset.class_names):
        raise UserError(
            f"{dataset.name} has {len(dataset.class_names)} classes, but the model has {config.model.num_classes}: "
            "set num_classes to match, or leave it out"
        )
