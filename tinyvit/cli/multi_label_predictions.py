"""Table of predictions of a multi-label model (CSV): the predicted classes, and a probability for each class."""

import itertools
from typing import Any

import numpy as np

from .predictions import PredictionsTable

BETWEEN = "|"  # the names of several classes in one cell, as `tinyvit finetune --labels` reads them


class MultiLabelTable(PredictionsTable):
    """As `PredictionsTable`; a row has file, labels (if `labelled`), predictions, and the probability of each class.

    Args:
        threshold: the least probability of a yes.
    """

    def __init__(self, path: str | None, class_names: tuple[str, ...], *, labelled: bool, threshold: float):
        self.threshold = threshold
        super().__init__(path, class_names, labelled=labelled)

    def columns(self, labelled: bool) -> list[str]:
        """The first row."""
        return ["file", *["labels"] * labelled, "predictions", *self.class_names]

    def row(self, file: str, probs: np.ndarray, label: np.ndarray | None) -> list[str]:
        """The row of an image: probabilities (K,), and booleans (K,) where the truth is known."""
        answers = ([] if label is None else [label]) + [probs >= self.threshold]
        names = [BETWEEN.join(itertools.compress(self.class_names, answer)) for answer in answers]
        return [file, *names, *(f"{prob:.6g}" for prob in probs)]


def predictions_table(preprocessing: Any, path: str | None, *, labelled: bool) -> PredictionsTable:
    """Table of predictions for a model with this preprocessing."""
    if preprocessing.multi_label:
        return MultiLabelTable(path, preprocessing.class_names, labelled=labelled, threshold=preprocessing.threshold)
    return PredictionsTable(path, preprocessing.class_names, labelled=labelled)
