"""Tagged text from CoNLL files: a word in each line, first column the word, last column its BIO tag; blank lines
between sentences.
"""

from collections.abc import Sequence
from pathlib import Path

from ..backend import generator
from ..errors import UserError, printable
from ..storage.files import read_file
from .dataset import Dataset, Split
from .sentences import Sentence, tag_codes
from .words import encoded

NAMES = {  # of the files of a split, without their ending
    "train": ("train",),
    "dev": ("dev", "valid", "validation", "val", "testa"),
    "test": ("test", "testb"),
}
ENDINGS = (".txt", ".conll", ".bio", ".iob", ".iob2", ".tsv")
PREFIX = "eng."  # of CoNLL-2003's own files: eng.train, eng.testa, eng.testb
MAX_WORDS = 128  # of a sentence; longer ones are split
DEV_SHARE = 0.1  # of the training sentences, where there is no file for dev
DOCUMENT = "-DOCSTART-"

Tagged = tuple[list[str], list[str]]  # words and tags of a sentence


def read_conll(path: Path) -> list[Tagged]:
    """Sentences of a file: words and tags.

    Raises:
        UserError: the file cannot be read, is no UTF-8, holds no sentence, or a line is none of a word and its tag.
    """
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path} is not UTF-8 (line {at}): save it as text in UTF-8") from error
    made: list[Tagged] = []
    words: list[str] = []
    tags: list[str] = []
    columns = 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        cells = line.split("\t") if "\t" in line else line.split()
        cells = [cell.strip() for cell in cells]
        if not any(cells) or cells[0] == DOCUMENT:
            if words:
                made.append((words, tags))
            words, tags = [], []
            continue
        columns = columns or len(cells)
        if len(cells) != columns or columns < 2:
            raise UserError(
                f"{path} has {len(cells)} column{'s' * (len(cells) > 1)} in line {number}, where "
                f"{'a word and its tag' if columns < 2 else f'{columns} as in the lines above'} were expected: mend it"
            )
        word, tag = cells[0], cells[-1]
        if not word:
            raise UserError(f"{path} has a tag and no word in line {number}: mend it")
        if not (tag == "O" or (tag[:2] in ("B-", "I-") and len(tag) > 2)):
            raise UserError(
                f"{path} has {printable(tag)!r} as a tag in line {number}, and tags are O, B- or I- and a kind, such "
                "as B-PER: convert the file to BIO"
            )
        words.append(word)
        tags.append(tag)
    if not made:
        raise UserError(f"{path} holds no sentence: give a file with a word and its tag in each line")
    return made


def load_conll(folder: str | Path) -> Dataset:
    """Tagged text of a folder with a file for each split: train.txt, dev.txt, test.txt, or as CoNLL-2003 names them.

    Without a file for dev, a tenth of the training sentences is held back; without one for test, dev stands in.

    Raises:
        UserError: there is no such folder, no file for train, two for one split, or as `read_conll`.
    """
    folder = Path(folder)
    paths = {split: _find(folder, split) for split in NAMES}
    if paths["train"] is None:
        raise UserError(f"{folder} has no file train.txt with a word and its tag in each line: give a folder with one")
    read = {split: read_conll(path) if path else [] for split, path in paths.items()}
    notes = []
    if not read["dev"]:
        read["train"], read["dev"] = _held_back(read["train"], folder)
        notes.append(
            f"There is no file dev.txt, so {len(read['dev']):,} of the training sentences are held back, by which the "
            "best epoch is chosen."
        )
    if not read["test"]:
        read["test"] = read["dev"]
        notes.append("There is no file test.txt: the report at the end is on the dev split, so it is optimistic.")
    kinds = sorted({tag[2:] for made in read.values() for _, tags in made for tag in tags if tag != "O"})
    if not kinds:
        notes.append("There is no tag but O, so nothing but that can be learned: tag some words, such as B-PER.")
    names = ("O", *(f"{position}-{kind}" for kind in kinds for position in "BI"))
    if unknown := [kind for kind in kinds if not any(tag[2:] == kind for _, tags in read["train"] for tag in tags)]:
        notes.append(f"Nothing to train on for the kinds {', '.join(map(printable, unknown))}.")
    long = sum(len(words) > MAX_WORDS for made in read.values() for words, _ in made)
    if long:
        notes.append(f"{long:,} sentence{'s' * (long > 1)} of more than {MAX_WORDS} words were split.")
    pieces = {split: _pieces(made, names) for split, made in read.items()}
    length = max(len(one.words) for made in pieces.values() for one in made)
    train, dev, test = (
        Split(encoded([one.words for one in made], length), tag_codes([one.tags for one in made], length))
        for made in pieces.values()
    )
    return Dataset(folder.resolve().name, names, 0.0, 1.0, train, dev, test, notes=tuple(notes))


def _find(folder: Path, split: str) -> Path | None:
    """The file of a split.

    Raises:
        UserError: there is no such folder, or there are two such files.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: give one with a file train.txt")
    wanted = {name + ending for name in NAMES[split] for ending in ENDINGS} | {PREFIX + name for name in NAMES[split]}
    there = sorted(path for path in folder.iterdir() if path.name.lower() in wanted and path.is_file())
    if len(there) > 1:
        raise UserError(f"{folder} has several files for {split}, {there[0].name} and {there[1].name}: leave one")
    return there[0] if there else None


def _held_back(made: Sequence[Tagged], folder: Path) -> tuple[list[Tagged], list[Tagged]]:
    """Sentences to train on and for dev.

    Raises:
        UserError: there are too few.
    """
    if len(made) < 2:
        raise UserError(f"{folder} has one training sentence, and none to hold back for dev: add more, or a dev.txt")
    order = generator(0, "dev split").permutation(len(made))
    dev = set(order[: max(1, round(DEV_SHARE * len(made)))].tolist())
    return [one for i, one in enumerate(made) if i not in dev], [made[i] for i in sorted(dev)]


def _pieces(made: Sequence[Tagged], names: Sequence[str]) -> list[Sentence]:
    """Sentences of at most `MAX_WORDS` words, tags as numbers."""
    numbers = {name: number for number, name in enumerate(names)}
    return [
        Sentence(words[start : start + MAX_WORDS], [numbers[tag] for tag in tags[start : start + MAX_WORDS]])
        for words, tags in made
        for start in range(0, len(words), MAX_WORDS)
    ]
