"""Sentences with named entities, made from a grammar: frames such as "{PER} joined {ORG} ." filled with names.

Frames and the parts of names are in `grammar/`. Both are split, by a hash of their own: what is kept for dev or test is
never seen in training. So a test can ask for what was learned by heart (names and frames of training), for names never
seen, and for frames never seen.
"""

import functools
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..backend import generator
from .dataset import Dataset, Split
from .words import encoded

KINDS = ("PER", "LOC", "ORG", "DATE")
TAGS = ("O", *(f"{position}-{kind}" for kind in KINDS for position in "BI"))  # BIO: outside, beginning, inside
LENGTH = 24  # words of a sentence, at most
PADDING = -1  # as the tag of no word
GRAMMAR = Path(__file__).parent / "grammar"
PARTS = ("train", "dev", "test")  # of names and frames
GROUPS = {  # of the sentences of dev and test: whether names and frames are those of training
    "seen": (True, True),
    "unseen names": (False, True),
    "unseen templates": (True, False),
    "both unseen": (False, False),
}


class Sentence(NamedTuple):
    """Words in order, each with its tag."""

    words: list[str]
    tags: list[int]  # of each word, an index into `TAGS`


def part_of(text: str, one_in: int = 10) -> str:
    """Part of the data that a name or a frame belongs to, by its hash alone: of ten, 1 is for dev, 2 are for test."""
    place = zlib.crc32(text.encode()) % one_in
    return "dev" if place == 0 else "test" if place <= 2 else "train"


@functools.cache
def frames(part: str) -> list[str]:
    """Frames of train, dev or test."""
    lines = [line for line in (GRAMMAR / "frames.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    return [line for line in lines if part_of(line) == part]


@functools.cache
def name_parts(section: str, part: str = "") -> list[str]:
    """A list of `lists.txt`; with a `part`, those of it that belong to train, dev or test."""
    text = (GRAMMAR / "lists.txt").read_text("utf-8")
    words = text.partition(f"[{section}]\n")[2].partition("\n[")[0].split()
    return [word for word in words if part_of(word) == part] if part else words


class Names:
    """Names of one part of the data, drawn from a generator; what makes a name is of that part alone."""

    def __init__(self, part: str, rng: np.random.Generator):
        self.part, self.rng = part, rng

    def of(self, kind: str) -> list[str]:
        """A person, place, organisation or date, as its words."""
        made: list[str] = getattr(self, f"_{kind.lower()}")()
        return made

    def _any(self, section: str, *, shared: bool = False) -> str:
        words = name_parts(section) if shared else name_parts(section, self.part)
        return words[self.rng.integers(len(words))]

    def _joined(self, start: str, end: str) -> str:
        """A word of two parts, "Ash" and "ford", which as a whole belongs to this part."""
        while part_of(word := self._any(start, shared=True) + self._any(end, shared=True)) != self.part:
            pass
        return word

    def _choice(self, *shares: float) -> int:
        return int(np.searchsorted(np.cumsum(shares), self.rng.random(), side="right"))

    def _per(self) -> list[str]:
        first, last = self._first(), self._last()
        initial = "ABCDEFGHJKLMNPRSTVW"[self.rng.integers(19)] + "."
        return [[first, last], [last], [first], [first, initial, last], [first[0] + ".", last]][
            self._choice(0.6, 0.15, 0.13, 0.06)
        ]

    def _first(self) -> str:
        return self._any("first") if self._choice(0.6) == 0 else self._joined("first-start", "first-end")

    def _last(self) -> str:
        return self._any("last") if self._choice(0.5) == 0 else self._joined("last-start", "last-end")

    def _loc(self) -> list[str]:
        place = self._any("place") if self._choice(0.4) == 0 else self._joined("town-start", "town-end")
        form = self._choice(0.84, 0.08)
        if form == 0:
            return [place]
        return (
            [self._any("before-place", shared=True), place]
            if form == 1
            else [place, self._any("after-place", shared=True)]
        )

    def _org(self) -> list[str]:
        form = self._choice(0.28, 0.25, 0.1, 0.12, 0.1, 0.08)
        if form == 0:
            return [self._joined("firm-start", "firm-end")]
        if form == 1:
            return [self._joined("firm-start", "firm-end"), self._any("firm-word", shared=True)]
        if form == 2:
            return [self._last(), "&", ["Sons", "Co", self._last()][self.rng.integers(3)]]
        if form == 3:
            return [self._loc()[0], self._any("club-word", shared=True)]
        if form == 4:
            return [self._any("body", shared=True), "of", self._any("place")]
        if form == 5:
            return [self._last(), self._any("firm-word", shared=True)]
        while part_of(letters := "".join(self.rng.choice(list("ABCDEFGHIKLMNOPRSTUVW"), 3))) != self.part:
            pass
        return [letters]

    def _date(self) -> list[str]:
        """A year, or a month of one."""
        month = self._any("month", shared=True)
        return [[self._year()], [month, self._year()]][self._choice(0.55)]

    def _date_on(self) -> list[str]:
        """A day."""
        day, month, year = str(self.rng.integers(1, 29)), self._any("month", shared=True), self._year()
        weekday = self._any("weekday", shared=True)
        written = f"{int(day):02}/{self.rng.integers(1, 13):02}/{year}"
        return [[weekday], [day, month], [day, month, year], [month, day], [written]][
            self._choice(0.25, 0.2, 0.3, 0.15)
        ]

    def _year(self) -> str:
        while part_of(year := str(self.rng.integers(1900, 2030))) != self.part:
            pass
        return year


def sentence(frame: str, names: Names) -> Sentence:
    """A frame filled: "{PER}" by a name, and "(a|b)" by a or b."""
    chosen = re.sub(r"\(([^()]*\|[^()]*)\)", lambda m: (w := m[1].split("|"))[names.rng.integers(len(w))], frame)
    words: list[str] = []
    tags: list[int] = []
    for token in re.findall(r"\{\w+\}|\w+|[^\w\s]", chosen):
        if not token.startswith("{"):
            words.append(token)
            tags.append(0)
            continue
        slot = token[1:-1]
        if slot == "DATE_ON" and (say := ["on", "on", "last", "before"][names.rng.integers(4)]):
            words.append(say)
            tags.append(0)
        name, begin = names.of(slot), TAGS.index(f"B-{slot.removesuffix('_ON')}")
        words += name
        tags += [begin] + [begin + 1] * (len(name) - 1)
    return Sentence(words, tags)


def sentences(n: int, *, name_part: str, frame_part: str, rng: np.random.Generator) -> list[Sentence]:
    """`n` sentences of at most 24 words."""
    names, of_part = Names(name_part, rng), frames(frame_part)
    made: list[Sentence] = []
    while len(made) < n:
        one = sentence(of_part[rng.integers(len(of_part))], names)
        if len(one.words) <= LENGTH:
            made.append(one)
    return made


def tag_codes(tags: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Tags of sentences: int8 (n, length), or int16 where there are more than 128 tags; -1 behind the last word."""
    largest = max((max(of_words, default=0) for of_words in tags), default=0)
    codes = np.full((len(tags), length), PADDING, np.int8 if largest < 128 else np.int16)
    for row, of_words in zip(codes, tags, strict=True):
        row[: len(of_words)] = of_words[:length]
    return codes


def sentence_dataset(train: int = 20_000, dev: int = 1_000, test: int = 4_000, *, seed: int = 0) -> Dataset:
    """Sentences of training names and frames to learn from; dev and test are of the four `GROUPS` in turn.

    Args:
        train, dev, test: how many sentences.
        seed: of all of them.

    Returns:
        images: codes of words, uint8 (n, 16, 1, 24), see `words`; labels: tags, int8 (n, 24), -1 behind the last word.
    """

    def split(made: list[Sentence]) -> Split:
        words, tags = zip(*made, strict=True)
        return Split(encoded(words, LENGTH), tag_codes(tags, LENGTH))

    def mixed(part: str, n: int) -> Split:
        """Sentence i is of group i modulo 4."""
        groups = []
        for name, seen in GROUPS.items():
            name_part, frame_part = ("train" if known else part for known in seen)
            rng = generator(seed, "sentences", part, name)
            groups.append(sentences(-(-n // len(GROUPS)), name_part=name_part, frame_part=frame_part, rng=rng))
        return split([one for of_each in zip(*groups, strict=True) for one in of_each][:n])

    learned = sentences(train, name_part="train", frame_part="train", rng=generator(seed, "sentences", "train"))
    return Dataset("sentences", TAGS, 0.0, 1.0, split(learned), mixed("dev", dev), mixed("test", test))
