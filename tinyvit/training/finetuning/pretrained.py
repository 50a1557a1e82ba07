"""The pretrained model that fine-tuning starts from: opened, told of, with a new head, in the size that is wanted."""

import dataclasses
from typing import Any

import numpy as np

from ...config.costs import numbers_held
from ...config.run import FinetuneConfig
from ...errors import UserError
from ...images.processor import ImageProcessor
from ...layers import NO_DRAWS
from ...pretrained import FAMILIES, Checkpoint, open_checkpoint
from ...tasks.fit import MAX_VALUES
from ...vit import VisionTransformer
from ..progress import Progress


def pretrained_for(config: FinetuneConfig) -> Checkpoint:
    """The model to start from.

    Raises:
        UserError: there is none, or no image has as many channels, or not all of them can be varied as it is wanted.
    """
    checkpoint = open_checkpoint(config.pretrained, with_head=False)
    processor = checkpoint.processor()
    processor.mode  # noqa: B018  images have as many channels, or it is said that they have not
    check_variation(config, processor)
    return checkpoint


def check_variation(config: FinetuneConfig, processor: ImageProcessor) -> None:
    """Check that images can be varied as it is wanted.

    Raises:
        UserError: they cannot.
    """
    if processor.sees_transparency and config.rand_augment:
        raise UserError(
            f"--rand-augment changes colours, and {config.pretrained} sees transparency, too (mode {processor.mode}): "
            "leave it out, crops and flips vary the images"
        )


def starting_point(
    checkpoint: Checkpoint, num_classes: int, changes: dict[str, Any], progress: Progress
) -> tuple[VisionTransformer, ImageProcessor]:
    """The model with a new head, and what makes its images; of the size in `changes`, if one is there.

    What is assumed of it, or done otherwise than usual, is told.
    """
    processor = checkpoint.processor()
    if checkpoint.assumption:
        progress.note(checkpoint.assumption)
    if checkpoint.config.pool == "cls+dist":
        progress.note("both of the model's heads are left out: the new one pools the class token alone")
    img_size = changes.pop("img_size", None)
    model = VisionTransformer.from_checkpoint(checkpoint, num_classes=num_classes, **changes)
    if model.dtype != np.float32:  # what batches are made of
        model = model.astype(np.float32)
    if img_size is None:
        return model, processor
    check_size(model.config.resized(img_size))
    model = model.resized(img_size, **FAMILIES[checkpoint.family].resample)
    return model, processor.for_size(model.config.image_shape)


def with_more_classes(model: VisionTransformer, num_classes: int, **changes: Any) -> VisionTransformer:
    """A copy whose head has more classes: zeros behind the columns of those that it knows, whose logits stay."""
    more = num_classes - model.config.num_classes
    config = dataclasses.replace(model.config, num_classes=num_classes, **changes)
    larger, state = VisionTransformer(config, rng=NO_DRAWS), model.state_dict()
    for name, array in state.items():
        if name.startswith("head."):  # weight (D, K), bias (K,)
            state[name] = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, more)])
    larger.adopt(state)
    return larger


def check_size(model: Any) -> None:
    """Check that a model of this config can be held.

    Raises:
        UserError: it cannot.
    """
    if numbers_held(model) > MAX_VALUES:
        raise UserError(
            f"a model for images of {model.img_size} pixels would hold more than {MAX_VALUES:,} values: "
            "choose a smaller --img-size"
        )
