"""What is kept of a model's answers: five numbers for each picture, however many classes and pixels it has."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..datasets import Split
from ..datasets.picture_files import PictureFiles
from ..errors import UserError
from ..vit import VisionTransformer
from .answers import Answer, Prepared, answers, read_pictures
from .calibration import Calibration, calibration
from .evaluate import mean_cross_entropy
from .trained import Preprocessing


class Score(NamedTuple):
    """One answer against the truth."""

    label: int
    prediction: int
    confidence: float  # the probability of the prediction
    of_label: float  # the probability of the true class
    rank: int  # of the true class among all, from 0; of equal ones, the first is the better


class Scores(NamedTuple):
    """n answers against the truth."""

    labels: np.ndarray  # int64 (n,)
    predictions: np.ndarray  # int64 (n,)
    confidence: np.ndarray  # float64 (n,)
    of_label: np.ndarray  # float64 (n,)
    rank: np.ndarray  # int64 (n,)

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return mean_cross_entropy(self.of_label)

    @property
    def calibration(self) -> Calibration:
        """Confidence against accuracy."""
        return calibration(self.confidence, self.rank == 0)

    def top(self, k: int) -> float:
        """The share of pictures whose true class is among the `k` that the model finds most probable."""
        return float((self.rank < k).mean())


def score_split(
    model: VisionTransformer,
    fed: Preprocessing,
    split: Split,
    *,
    batch_size: int | None = None,
    each: Callable[[int, Answer | UserError], None] = lambda row, answer: None,
) -> tuple[Split, Scores]:
    """The part of `split` that can be read, and what the model makes of it. Pictures on disk are read as they are used.

    Args:
        batch_size: None takes what suits the size of the images.
        each: is told the row of each picture and the model's answer, or why it cannot be read.

    Raises:
        UserError: nothing could be read.
    """
    files = split.images if isinstance(split.images, PictureFiles) else None
    pictures = read_pictures(fed, files.paths) if files else (Prepared(split.images[row]) for row in range(len(split)))
    rows, scores = [], []
    for row, answer in enumerate(answers(model, pictures, fed.mean, fed.std, batch_size=batch_size)):
        each(row, answer)
        if isinstance(answer, Answer):
            rows.append(row)
            scores.append(score(answer.probs, split.labels[row]))
    if not scores:
        raise UserError(f"none of the {len(split):,} pictures can be read: look at the folder with tinyvit data check")
    if files and len(rows) < len(split):
        split = Split(files.of([files.paths[row] for row in rows]), split.labels[rows])
    return split, _collected(scores)


def score(probs: np.ndarray, label: int) -> Score:
    """Probabilities (K,) against the true class."""
    prediction = int(probs.argmax())
    rank = int((probs > probs[label]).sum() + (probs[:label] == probs[label]).sum())
    return Score(int(label), prediction, float(probs[prediction]), float(probs[label]), rank)


def _collected(scores: Sequence[Score]) -> Scores:
    """A column for each number."""
    return Scores(*map(np.asarray, zip(*scores, strict=True)))
