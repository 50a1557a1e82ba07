"""What is kept of a model's answers: five numbers for each picture, however many classes and pixels it has."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .calibration import Calibration, calibration
from .evaluate import mean_cross_entropy


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


def score(probs: np.ndarray, label: int) -> Score:
    """Probabilities (K,) against the true class."""
    prediction = int(probs.argmax())
    rank = int((probs > probs[label]).sum() + (probs[:label] == probs[label]).sum())
    return Score(int(label), prediction, float(probs[prediction]), float(probs[label]), rank)


def collected(scores: Sequence[Score]) -> Scores:
    """A column for each number; there is at least one score."""
    return Scores(*map(np.asarray, zip(*scores, strict=True)))
