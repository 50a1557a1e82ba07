"""Words as numbers: the codes of a word's first characters and of its last ones, each character in a place of its own.

So a word never seen before still says something: that it is written large, ends in -ton, or has digits.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np

CODES = 128  # ASCII; 0: no character
FIRST, LAST = 12, 4
PLACES = FIRST + LAST  # of a word


def word_codes(word: str) -> np.ndarray:
    """Codes of a word's first 12 characters, in order, and of its last 4, the last one first: uint8 (16,), 0 for none.

    Accents are taken off; a character that is not in ASCII then counts as a question mark.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    raw = np.frombuffer(plain.encode("ascii", "replace"), np.uint8) % CODES
    codes = np.zeros(PLACES, np.uint8)
    codes[: min(len(raw), FIRST)] = raw[:FIRST]
    ending = raw[: -LAST - 1 : -1]
    codes[FIRST : FIRST + len(ending)] = ending
    return codes


def encoded(sentences: Sequence[Sequence[str]], length: int) -> np.ndarray:
    """Sentences as codes of their words: uint8 (n, 16, 1, length), zeros behind the last word.

    As images are (n, C, H, W), a text is one pixel high, and the places of a word are its channels.
    """
    known: dict[str, np.ndarray] = {}
    codes = np.zeros((len(sentences), length, PLACES), np.uint8)
    for row, words in zip(codes, sentences, strict=True):
        for place, word in enumerate(words[:length]):
            if word not in known:
                known[word] = word_codes(word)
            row[place] = known[word]
    return np.ascontiguousarray(codes.swapaxes(1, 2))[:, :, None]


def decoded(codes: np.ndarray) -> list[str]:
    """Words of a sentence (16, 1, T), as far as they were kept: of a long one, the middle is missing."""
    words = []
    for row in codes[:, 0, codes.any(axis=(0, 1))].T:
        first, ending = (bytes(part[part > 0]).decode("ascii") for part in (row[:FIRST], row[FIRST:][::-1]))
        words.append(first if len(first) < FIRST or first.endswith(ending) else f"{first}...{ending}")
    return words
