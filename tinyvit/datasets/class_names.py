"""Class names from folder names, in any locale and however accents are written."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import UserError

Classes = dict[str, list[Path]]  # name -> its images; sorted, both


def class_name(folder: Path) -> str:
    """Name of a class: the folder's name as UTF-8 has it, whatever the locale says.

    Raises:
        UserError: the name is not UTF-8, as is that of a folder which old archives, or another system, wrote.
    """
    name = os.fsencode(folder.name)
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        guess = name.decode("cp1252", "replace")
        perhaps = f", perhaps to {guess}" if guess.isprintable() and "�" not in guess else ""
        raise UserError(
            f"the name of the folder {str(name)[2:-1]} in {folder.parent} is not UTF-8, so it can name no class: "
            f"rename the folder{perhaps}"
        ) from error


def same(name: str) -> str:
    """Alike for names that differ in nothing but how accents are written: as one character (NFC) or as two (NFD)."""
    return unicodedata.normalize("NFC", name)


def in_one_spelling(found: Mapping[str, Classes]) -> tuple[dict[str, Classes], list[str]]:
    """The classes of each split, with one name for all that are the `same`, the first; and a note where there were two.

    Args:
        found: split -> classes.
    """
    spellings: dict[str, dict[str, None]] = defaultdict(dict)
    for classes in found.values():
        for name in classes:
            spellings[same(name)][name] = None
    first = {key: next(iter(names)) for key, names in spellings.items()}
    merged: dict[str, Classes] = {}
    for split, classes in found.items():
        merged[split] = defaultdict(list)
        for name, paths in classes.items():
            merged[split][first[same(name)]] += paths
        merged[split] = dict(sorted(merged[split].items()))
    notes = [
        f"{key} is written in {len(names)} ways that differ only in how accents are stored (Unicode NFC and NFD), "
        "and was taken for one class."
        for key, names in spellings.items()
        if len(names) > 1
    ]
    return merged, notes


def look_alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Names that differ only in capitals, spaces, hyphens and the like, and may mean one class; two or more each.

    Of single characters, capitals are another class: A is not a.
    """
    groups = defaultdict(list)
    for name in names:
        groups[_plain(name)].append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _plain(name: str) -> str:
    words = unicodedata.normalize("NFKC", name)
    words = "".join(c for c in words if unicodedata.category(c) != "Cf")  # zero-width spaces and marks of direction
    words = re.sub(r"[\s_\-]+", " ", words).strip()
    return words if len(words) == 1 else words.casefold()
