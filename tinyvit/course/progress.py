"""Progress of a learner: the exercises passed, in one small file of the user's, so that notebooks may come and go."""

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path

from ..errors import UserError
from ..storage.files import to_json, write_file
from ..storage.paths import home


def progress_file() -> Path:
    """`progress.json` in $TINYVIT_HOME, or where this system keeps what programs remember about their user.

    Raises:
        UserError: that would be in the user's home, and there is none.
    """
    if chosen := os.environ.get("TINYVIT_HOME"):
        return Path(chosen) / "progress.json"
    names = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("", "Library/Application Support")}
    name, below_home = names.get(sys.platform, ("XDG_STATE_HOME", ".local/state"))
    if base := os.environ.get(name):
        return Path(base) / "tinyvit" / "progress.json"
    if place := home():
        return place / below_home / "tinyvit" / "progress.json"
    raise UserError("this user has no home: set the environment variable TINYVIT_HOME to a folder")


def passed() -> list[str]:
    """The numbers of the exercises that have been passed, in the order of the lessons; none if nothing is known."""
    try:
        numbers = json.loads(progress_file().read_text(encoding="utf-8"))["passed"]
        return sorted({str(number) for number in numbers}, key=in_order)
    except (OSError, ValueError, KeyError, TypeError):  # a UserError, too
        return []


def remember(number: str) -> str:
    """Add one to the passed; returns what went wrong with that, or nothing."""
    return _write([*passed(), number])


def forget(numbers: Collection[str]) -> str:
    """Take these out of the passed; returns what went wrong with that, or nothing."""
    return _write([number for number in passed() if number not in numbers])


def in_order(number: str) -> tuple[int, ...]:
    """5.10 comes after 5.9."""
    return tuple(int(part) if part.isdigit() else -1 for part in number.split("."))


def _write(numbers: list[str]) -> str:
    try:
        path = progress_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, to_json({"passed": sorted(set(numbers), key=in_order)}))
    except (OSError, UserError) as error:
        return f"(progress could not be saved: {error})"
    return ""
