"""Words that are good or bad: a list of our own, or a lexicon of rated words, split so that no stem is on both sides.

A word whose stem is seen in training ("hopeful" after "hope") is easy. A new stem leaves its beginning and its end:
"dis-" and "-less" say something, most letters nothing.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError, printable
from ..storage.files import read_file
from .dataset import Dataset, Split
from .sentences import GRAMMAR, part_of

CLASSES = ("bad", "good")
LENGTH = 16  # letters of a word, at most
PREFIXES = ("un", "in", "im", "ir", "il", "dis", "mis", "non")
STEM = 4  # letters, behind a prefix
GROUPS = ("stem seen", "stem unseen")  # of words never seen
MIN_WORDS = 50


def stem(word: str) -> str:
    """The first four letters behind a prefix: "happ" of unhappy, happily and happiness."""
    behind = [word.removeprefix(prefix) for prefix in PREFIXES if word.startswith(prefix)]
    rest = min(behind, key=len, default=word)
    return (rest if len(rest) >= STEM else word)[:STEM]


def place_of(word: str) -> tuple[str, int]:
    """Split and group of a word, by hashes alone: those of some stems, and a few of the others, are not in training."""
    of_stem = part_of(stem(word))
    if of_stem != "train":
        return of_stem, 1
    return part_of(f"word {word}", one_in=20), 0


def letters(words: Sequence[str]) -> np.ndarray:
    """Codes of the letters of words, uint8 (n, 1, 1, 16): each letter is a patch; zeros behind the last one."""
    codes = np.zeros((len(words), 1, 1, LENGTH), np.uint8)
    for row, word in zip(codes, words, strict=True):
        row[0, 0, : len(word)] = np.frombuffer(word.encode("ascii"), np.uint8)
    return codes


def spelled(codes: np.ndarray) -> list[str]:
    """Words of codes (n, 1, 1, 16)."""
    return [bytes(row[row > 0]).decode("ascii") for row in codes[:, 0, 0]]


def word_groups(codes: np.ndarray) -> np.ndarray:
    """The group of each word, an index into `GROUPS`: int64 (n,)."""
    return np.array([place_of(word)[1] for word in spelled(codes)], np.int64)


def our_words() -> dict[str, bool]:
    """English words of our own list: whether each is good."""
    return {word: kind == "good" for kind in CLASSES for word in (GRAMMAR / f"{kind}.txt").read_text("utf-8").split()}


def read_lexicon(path: Path) -> tuple[dict[str, bool], int]:
    """Words and whether each is good, from lines of a word and a number, below 0 for bad, with a tab between; what
    follows is passed over, as in the lexicon of `vaderSentiment`.

    Returns:
        The words, and how many lines were left out: of other signs than a to z, longer than 16 letters, rated 0, or
        there before.

    Raises:
        UserError: the file cannot be read, is no UTF-8, a line has no number, or too few words are left.
    """
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path} is not UTF-8 (line {at}): save it as text in UTF-8") from error
    words: dict[str, bool] = {}
    left_out = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        word, *rest = (cell.strip() for cell in line.split("\t"))
        try:
            rating = float(rest[0])
        except (IndexError, ValueError):
            rating = math.nan
        if math.isnan(rating):
            raise UserError(
                f"{path} has no number behind {printable(word)!r} in line {number}: write a word, a tab and a number, "
                "below 0 for a bad word"
            )
        word = word.lower()
        if not (word.isascii() and word.isalpha() and len(word) <= LENGTH and rating) or word in words:
            left_out += 1
        else:
            words[word] = rating > 0
    if len(words) < MIN_WORDS or len(set(words.values())) < 2:
        raise UserError(
            f"{path} has {len(words)} words of letters that are good or bad: give a lexicon of at least {MIN_WORDS}, "
            "of both kinds"
        )
    return words, left_out


def word_dataset(path: str | Path | None = None) -> Dataset:
    """Good and bad words, labels 1 and 0: our own, or those of a lexicon.

    Raises:
        UserError: as `read_lexicon`.
    """
    notes = []
    if path is None:
        words = our_words()
    else:
        words, left_out = read_lexicon(Path(path))
        notes.append(f"{len(words):,} words were read from {path}, and {left_out:,} lines left out.")

    def split(part: str) -> Split:
        chosen = sorted(word for word in words if place_of(word)[0] == part)
        return Split(letters(chosen), np.array([words[word] for word in chosen], np.int64))

    name = "words" if path is None else Path(path).stem
    return Dataset(name, CLASSES, 0.0, 1.0, split("train"), split("dev"), split("test"), notes=tuple(notes))
