"""What a model reads in a picture of digits: each with its place, how sure it is, and the lines as they are written."""

from typing import Any, NamedTuple

import numpy as np

from ..datasets.digits import Digit
from ..vit import VisionTransformer
from .evaluate import predict_batch
from .sureness import SURE, sureness


class Page(NamedTuple):
    """n digits in reading order."""

    digits: list[Digit]
    probs: np.ndarray  # (n, K)
    sureness: np.ndarray  # (n,), 0..1

    @property
    def is_unsure(self) -> np.ndarray:
        """Which of them may be no digit: bool (n,)."""
        return self.sureness < SURE

    @property
    def guesses(self) -> list[int]:
        """The most probable class of each."""
        return self.probs.argmax(axis=1).tolist()

    def lines(self, class_names: tuple[str, ...]) -> list[str]:
        """What is written on each line, from the first to the last; a question mark follows what is unsure."""
        written = [""] * (1 + max(digit.line for digit in self.digits))
        for digit, guess, unsure in zip(self.digits, self.guesses, self.is_unsure, strict=True):
            written[digit.line] += class_names[guess] + "?" * bool(unsure)
        return written


def read_page(model: VisionTransformer, fed: Any, digits: list[Digit]) -> Page:
    """All digits that were found in a picture, shown to the model."""
    images = np.stack([digit.image for digit in digits])
    probs = predict_batch(model, images, fed.mean, fed.std)
    return Page(digits, probs, sureness(model, fed, images, probs))
