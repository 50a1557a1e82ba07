"""What is kept of a model's answers: five numbers for each picture, however many classes and pixels it has."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..datasets import Split
from ..datasets.picture_files import PictureFiles
from ..errors import UserError
from ..vit import VisionTransformer
from .answers import Answer, Prepared, answers, read_pictures
from .calibration import Calibration, calibration
from .evaluate import NoAnswerError, mean_cross_entropy
from .multi_label import judge_multi_label
from .report import classification_report, confusion_by_name, confusion_text
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
    num_classes: int = 0  # K

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return mean_cross_entropy(self.of_label)

    @property
    def calibration(self) -> Calibration:
        """Confidence against accuracy."""
        return calibration(self.confidence, self.rank == 0)

    @property
    def in_words(self) -> str:
        """In two lines."""
        error, bins = 100 * self.calibration.error, len(self.calibration.counts)
        first = f"accuracy {100 * self.top(1):.2f} %, loss {self.loss:.4f}"
        top_5 = f"top-5 accuracy {100 * self.top(5):.2f} %, " if self.num_classes > 5 else ""
        return f"{first}\n{top_5}expected calibration error {error:.2f} % ({bins} bins)"

    def report(self, labels: np.ndarray, class_names: Sequence[str]) -> str:
        """`classification_report` of the classes that occur, and their confusion matrix."""
        confusion, names = confusion_by_name(labels, self.predictions, class_names)
        return f"{classification_report(confusion, names)}\n{confusion_text(confusion, names)}"

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
) -> tuple[Split, Any]:
    """The part of `split` that can be read, and what the model makes of it: `Scores`, or of a multi-label model a
    `MultiLabelEvaluation`. Pictures on disk are read as they are used.

    Args:
        batch_size: None takes what suits the size of the images.
        each: is told the row of each picture and the model's answer, or why it cannot be read.

    Raises:
        UserError: nothing could be read, or an answer is NaN.
    """
    files = split.images if isinstance(split.images, PictureFiles) else None
    pictures = read_pictures(fed, files.paths) if files else (Prepared(split.images[row]) for row in range(len(split)))
    rows, scores = [], []
    seen = answers(model, pictures, fed.mean, fed.std, batch_size=batch_size, multi_label=fed.multi_label)
    for row, answer in enumerate(seen):
        if isinstance(answer, NoAnswerError):  # to leave it out would flatter
            raise answer
        each(row, answer)
        if isinstance(answer, Answer):
            rows.append(row)
            scores.append(answer.probs if fed.multi_label else score(answer.probs, split.labels[row]))
    if not scores:
        raise UserError(f"none of the {len(split):,} pictures can be read: look at the folder with tinyvit data check")
    if files and len(rows) < len(split):
        split = Split(files.of([files.paths[row] for row in rows]), split.labels[rows])
    if fed.multi_label:
        return split, judge_multi_label(np.stack(scores), split.labels, fed.threshold)
    columns = map(np.asarray, zip(*scores, strict=True))
    return split, Scores(*columns)._replace(num_classes=len(fed.class_names))  # type: ignore[arg-type]  # five arrays


def score(probs: np.ndarray, label: int) -> Score:
    """Probabilities (K,) against the true class; where that one's is NaN, it comes last."""
    prediction = int(probs.argmax())
    before = (probs > probs[label]).sum() + (probs[:label] == probs[label]).sum()
    rank = len(probs) if np.isnan(probs[label]) else int(before)
    return Score(int(label), prediction, float(probs[prediction]), float(probs[label]), rank)
