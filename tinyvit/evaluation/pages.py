"""Reading of an image of digits: each digit with its place and confidence, and the lines as they are written."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..images.digits import Digit
from ..images.digits.repeats import is_repeated
from ..vit import VisionTransformer
from .familiar import Familiar, familiar_digits, features_of
from .predict import predict_batch
from .sureness import SURE, SURE_ALONE, sureness

WIDE = 1.25  # width over height, from which on a shape is more often two digits than one
MIN_SHAPES, MIN_SURE_SHARE = 4, 0.1  # of so many shapes, such a share at least is surely a digit, or there is none
DOUBT = "unsure, this may be no digit: it is read otherwise when changed a little, unlike those learned, or repeated"
WITHOUT = (
    "what this model learned from is not on this machine, or its activations overflow on it, so that more of what is "
    "no digit is taken for one: name the folder of the files in the environment variable TINYVIT_DATA"
)


class Page(NamedTuple):
    """n digits in reading order."""

    digits: list[Digit]
    probs: np.ndarray  # (n, K)
    is_unsure: np.ndarray  # bool (n,): which of them may be no digit

    @property
    def shows_no_digit(self) -> bool:
        """Whether there are many shapes, and hardly one is surely a digit: leaves, a wall, cloth."""
        return len(self.digits) >= MIN_SHAPES and bool(self.is_unsure.mean() > 1 - MIN_SURE_SHARE)

    @property
    def refusal(self) -> str:
        """Sentence on an image that shows no digit."""
        return (
            f"no digit can be seen in the image: hardly one of its {len(self.digits)} shapes is surely a digit; "
            "cut out the part with the digits"
        )

    @property
    def guesses(self) -> list[int]:
        """The most probable class of each."""
        return self.probs.argmax(axis=1).tolist()

    def lines(self, class_names: tuple[str, ...]) -> list[str]:
        """Text of each line, from the first to the last; a question mark follows what is unsure."""
        written = [""] * (1 + max(digit.line for digit in self.digits))
        for digit, guess, unsure in zip(self.digits, self.guesses, self.is_unsure, strict=True):
            written[digit.line] += class_names[guess] + "?" * bool(unsure)
        return written


class DigitReader:
    """A model of digits, and how far from all that it learned a shape may lie."""

    def __init__(
        self, model: VisionTransformer, preprocessing: Any, note: Callable[[str], None] = lambda sentence: None
    ):
        self.model, self.preprocessing, self.note = model, preprocessing, note

    @cached_property
    def familiar(self) -> Familiar | None:
        """Measured when the first digits are read; that it cannot be is told to `note`."""
        familiar = familiar_digits(self.model, self.preprocessing)
        if familiar is None:
            self.note(WITHOUT)
        return familiar

    def read(self, digits: list[Digit]) -> Page:
        """All digits that were found in an image, shown to the model; a shape may turn out to be two that touch.

        Unsure is what changes its answer when it is changed a little, what is like nothing that was learned, and what
        is there again and again.
        """
        return _joined(self._read_each(digits))

    def _read_each(self, digits: list[Digit]) -> list[Page]:
        """Reading of each shape: one digit, or those that stand instead."""
        page = self._read_whole(digits)
        is_wide = np.array([digit.box[3] - digit.box[1] > WIDE * (digit.box[2] - digit.box[0]) for digit in digits])
        doubtful = [n for n in np.flatnonzero(page.is_unsure | is_wide) if digits[n].instead]
        pages = [Page([digit], page.probs[[n]], page.is_unsure[[n]]) for n, digit in enumerate(digits)]
        if not doubtful:
            return pages
        parts = [part._replace(line=digits[n].line) for n in doubtful for part in digits[n].instead]
        halves = self._read_each(parts)
        for n, left, right in zip(doubtful, halves[::2], halves[1::2], strict=True):
            both = _joined([left, right])
            if not both.is_unsure.any() or (is_wide[n] and page.is_unsure[n]):
                pages[n] = both
        return pages

    def _read_whole(self, digits: list[Digit]) -> Page:
        """Each shape as one digit."""
        images = np.stack([digit.image for digit in digits])
        probs = predict_batch(self.model, images, self.preprocessing.mean, self.preprocessing.std)
        least = SURE if self.familiar else SURE_ALONE
        is_unsure = (sureness(self.model, self.preprocessing, images, probs) < least) | is_repeated(digits)
        if self.familiar:
            is_unsure |= ~self.familiar.knows(features_of(self.model, self.preprocessing, images), probs.argmax(axis=1))
        return Page(digits, probs, is_unsure)


def _joined(pages: list[Page]) -> Page:
    """All digits of the pages, one after the other."""
    digits = [digit for page in pages for digit in page.digits]
    return Page(digits, np.concatenate([page.probs for page in pages]), np.concatenate([p.is_unsure for p in pages]))
