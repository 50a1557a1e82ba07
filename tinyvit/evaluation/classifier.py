"""A trained classifier, ours or another's: its weights and its preprocessing."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..pretrained import REGRESSION, Checkpoint, open_checkpoint, problem_type
from ..vit import VisionTransformer
from .preprocessing import Preprocessing, read_preprocessing


def load_trained(path: str | Path, **options: Any) -> tuple[VisionTransformer, Preprocessing]:
    """The best model of a run, or any model that `VisionTransformer.from_pretrained` reads, and its preprocessing.

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
    return model, read_preprocessing(checkpoint)


def load_classifier(path: str | Path) -> tuple[VisionTransformer, Preprocessing]:
    """As `load_trained`, of a model that names classes.

    Raises:
        UserError: it has no head, or one for numbers, or as `load_trained` does.
    """
    return classifier_of(open_checkpoint(path))


def classifier_of(checkpoint: Checkpoint) -> tuple[VisionTransformer, Preprocessing]:
    """The model and the preprocessing of an open checkpoint; errors as for `load_classifier`."""
    path, what = checkpoint.path, "" if checkpoint.config.num_classes else "has no head"
    if checkpoint.is_projection:
        what = "has a projection in its head's place"
    elif problem_type(checkpoint.values, checkpoint.config.num_classes) == REGRESSION:
        what = what or "is a regression model (problem_type regression)"
    if what:
        raise UserError(f"{path} {what}, so it names no classes: give it a new head, tinyvit finetune --model {path}")
    preprocessing = read_preprocessing(checkpoint)
    preprocessing.processor.mode  # noqa: B018  images have as many channels, or it is said that they have not
    return VisionTransformer.from_checkpoint(checkpoint), preprocessing
