"""Predictions for many images, streamed: memory holds no more than a batch of them."""

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..datasets.in_threads import in_threads
from ..errors import UserError
from ..vit import VisionTransformer
from .predict import NoAnswerError, predict_batch, usual_batch_size
from .preprocessing import Prepared, Preprocessing


class Answer(NamedTuple):
    prepared: Prepared
    probs: np.ndarray  # (K,)


def read_images(
    preprocessing: Preprocessing, paths: Iterable[str | os.PathLike[str]]
) -> Iterator[Prepared | UserError]:
    """Each file as the model takes it, or what is wrong with it; read by a few threads, and only a little ahead."""

    def read(path: str | os.PathLike[str]) -> Prepared | UserError:
        try:
            return preprocessing.prepare(path)
        except UserError as error:
            return error

    return in_threads(read, paths)


def answers(
    model: VisionTransformer,
    prepared: Iterable[Prepared | UserError],
    mean: float | Sequence[float],
    std: float | Sequence[float],
    *,
    batch_size: int | None = None,
    multi_label: bool = False,
) -> Iterator[Answer | UserError]:
    """The model's answer to each image, in order; an error is handed on in its place, or is it, if the answer is NaN.

    Args:
        mean, std: of pixels in 0..1, as for `datasets.normalize`.
        batch_size: None takes what suits the size of the images.
        multi_label: whether each class is a yes or no by itself.
    """
    prepared = iter(prepared)
    while batch := list(itertools.islice(prepared, batch_size or usual_batch_size(model))):
        images: Any = [one.image for one in batch if isinstance(one, Prepared)]
        rows = iter(predict_batch(model, np.stack(images), mean, std, multi_label=multi_label) if images else ())
        for one in batch:
            if isinstance(one, Prepared):
                probs = next(rows)
                yield Answer(one, probs) if np.isfinite(probs).all() else NoAnswerError()
            else:
                yield one
