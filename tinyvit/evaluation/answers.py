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
    picture: Prepared
    probs: np.ndarray  # (K,)


def read_pictures(
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
    pictures: Iterable[Prepared | UserError],
    mean: float | Sequence[float],
    std: float | Sequence[float],
    *,
    batch_size: int | None = None,
    multi_label: bool = False,
) -> Iterator[Answer | UserError]:
    """The model's answer to each picture, in order; an error is handed on in its place, or is it, if the answer is NaN.

    Args:
        mean, std: of pixels in 0..1, as for `datasets.normalize`.
        batch_size: None takes what suits the size of the images.
        multi_label: whether each class is a yes or no by itself.
    """
    pictures = iter(pictures)
    while batch := list(itertools.islice(pictures, batch_size or usual_batch_size(model))):
        images: Any = [picture.image for picture in batch if isinstance(picture, Prepared)]
        rows = iter(predict_batch(model, np.stack(images), mean, std, multi_label=multi_label) if images else ())
        for picture in batch:
            if isinstance(picture, Prepared):
                probs = next(rows)
                yield Answer(picture, probs) if np.isfinite(probs).all() else NoAnswerError()
            else:
                yield picture
