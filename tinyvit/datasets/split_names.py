"""Names of splits, of folders or typed by users: `Training`, `seg_train`, `train-2021`, `chest_xray_val`, `TestSet`."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

MEANINGS = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devel", "development"), "dev"),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "heldout"), "test"),
    **dict.fromkeys(("eval", "evaluation"), "eval"),  # test, but where there is one beside it: then dev
}
USUAL = ("train", "val", "valid", "validation", "dev", "test")  # no guess
# What says nothing beside such a word, and may be written in one with it.
FILLERS = frozenset(
    ("set", "sets", "data", "dataset", "images", "image", "imgs", "img", "pictures", "photos", "pics", "split")
    + ("splits", "folder", "dir", "files", "samples", "subset", "the")
)
_WORDS = re.compile(r"[A-ZÀ-Þ]?[^\W\d_A-ZÀ-Þ]+|[A-ZÀ-Þ]+(?![a-z])|\d+")  # TrainSet2 -> Train, Set, 2
_IN_ONE = re.compile(rf"({'|'.join(sorted(MEANINGS, key=len, reverse=True))})({'|'.join(FILLERS)})")

Rest = tuple[str, ...]  # the words of a name that are not about splits
Groups = dict[Rest, dict[str, list[str]]]  # what names have in common -> split -> names


def split_called(name: str) -> str:
    """`dev` for each of its usual names (`val`, `valid`, `validation`); any other name stays as it is."""
    meaning = MEANINGS.get(name.casefold(), name)
    return meaning if meaning == "dev" else name


def splits_among(names: Sequence[str]) -> dict[str, list[str]]:
    """The names that mean a split, among those of all folders in a place: train, dev or test -> names.

    What stands before or after the word must be the same for all of them, numbers aside, or say nothing (`set`,
    `images`), so that `train_station` remains a class of its own.
    """
    found = max((_chosen(_groups(names, numbers)) for numbers in (True, False)), key=len)
    for name in found.pop("eval", []):
        found.setdefault("dev" if "test" in found and "dev" not in found else "test", []).append(name)
    return {split: found[split] for split in ("train", "dev", "test") if split in found}


def classes_in_names(names: Sequence[str]) -> list[str]:
    """The names that mean a class and a split in one, as `cats_train, cats_test, dogs_train, dogs_test`."""
    several = [found for rest, found in _groups(names, True).items() if rest and len(found) > 1]
    return [name for found in several for of_split in found.values() for name in of_split] if len(several) > 1 else []


def _groups(names: Iterable[str], with_numbers: bool) -> Groups:
    groups: Groups = defaultdict(dict)
    for name in names:
        meaning, rest = _meaning(name)
        if meaning:
            rest = rest if with_numbers else tuple(word for word in rest if not word.isdecimal())
            groups[rest].setdefault(meaning, []).append(name)
    return groups


def _chosen(groups: Groups) -> dict[str, list[str]]:
    """The group of names that mean splits: those of one word, or else those that have the rest in common."""
    if () in groups:
        return dict(groups[()])
    several = [found for found in groups.values() if len(found) > 1]
    return dict(several[0]) if len(several) == 1 else {}


def _meaning(name: str) -> tuple[str | None, Rest]:
    """Split that a name means, None if none or several, and its other words."""
    words: list[str] = []
    for word in map(str.casefold, _WORDS.findall(name)):
        in_one = _IN_ONE.fullmatch(word)
        words += in_one.groups() if in_one else [word]
    meanings = [MEANINGS[word] for word in words if word in MEANINGS]
    rest = tuple(word for word in words if word not in MEANINGS and word not in FILLERS)
    return (meanings[0] if len(meanings) == 1 else None), rest
