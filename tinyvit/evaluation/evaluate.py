"""Evaluation of a model on a split: all of it at once, or image by image as they come from the disk."""

from collections.abc import Callable

import numpy as np

from ..datasets import Dataset, Split
from ..datasets.image_files import ImageFiles
from ..errors import UserError
from ..vit import VisionTransformer
from .answers import Answer, answers, read_images
from .classification import Classification
from .multi_label import MultiLabel
from .predict import NoAnswerError, predict_probs
from .preprocessing import Prepared, Preprocessing
from .result import Evaluation


def judge(probs: np.ndarray, labels: np.ndarray, *, threshold: float = 0.5) -> Evaluation:
    """Probabilities (n, K) against the true classes (n,): a `Classification`; or against booleans (n, K), where an
    image may be of several classes: a `MultiLabel`. NaN is wrong, and makes the loss NaN.

    Args:
        threshold: the least probability of a yes, where each class is a yes or no by itself.
    """
    return MultiLabel(labels, probs, threshold) if labels.ndim == 2 else Classification.of(probs, labels)


def evaluate(model: VisionTransformer, split: Split, dataset: Dataset, *, threshold: float = 0.5) -> Evaluation:
    """Evaluate `model` on a split of arrays, whose pixels are normalised as `dataset` says.

    Raises:
        NoAnswerError: an answer is NaN.
    """
    probs = predict_probs(model, split.images, dataset.mean, dataset.std, multi_label=dataset.multi_label)
    if not np.isfinite(probs).all():
        raise NoAnswerError
    return judge(probs, split.labels, threshold=threshold)


def evaluate_images(
    model: VisionTransformer,
    preprocessing: Preprocessing,
    split: Split,
    *,
    batch_size: int | None = None,
    each: Callable[[int, Answer | UserError], None] = lambda row, answer: None,
) -> tuple[Split, Evaluation]:
    """Evaluate `model` on the part of `split` that can be read; files are read as they are used, and left out where
    they cannot be.

    Args:
        batch_size: None takes what suits the size of the images.
        each: is told the row of each image and the model's answer, or why it cannot be read.

    Returns:
        That part of the split, and how the model did on it.

    Raises:
        UserError: nothing could be read, or an answer is NaN.
    """
    files = split.images if isinstance(split.images, ImageFiles) else None
    prepared = (
        read_images(preprocessing, files.paths) if files else (Prepared(split.images[k]) for k in range(len(split)))
    )
    mean, std, multi_label = preprocessing.mean, preprocessing.std, preprocessing.multi_label
    seen = answers(model, prepared, mean, std, batch_size=batch_size, multi_label=multi_label)
    rows, parts = [], []
    for row, answer in enumerate(seen):
        if isinstance(answer, NoAnswerError):  # to leave it out would flatter
            raise answer
        each(row, answer)
        if isinstance(answer, Answer):
            rows.append(row)
            parts.append(judge(answer.probs[None], split.labels[row : row + 1], threshold=preprocessing.threshold))
    if not parts:
        raise UserError(f"none of the {len(split):,} images can be read: look at the folder with tinyvit data check")
    if files and len(rows) < len(split):
        split = Split(files.of([files.paths[row] for row in rows]), split.labels[rows])
    return split, type(parts[0]).joined(parts)
