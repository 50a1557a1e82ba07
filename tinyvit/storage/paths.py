"""Paths of the user: `~` is the home, if there is one, and downloads have a cache."""

import os
import sys
from pathlib import Path

from ..errors import UserError


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with a leading `~` or `~user` in full.

    Raises:
        UserError: there is no such user, or this one has no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"the path {os.fspath(path)} leads to the home of a user that this system does not know: write it in full"
        ) from error


def home() -> Path | None:
    """The user's own folder; None where there is none, as for an unnamed user in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def cache_folder() -> Path | None:
    """The user's own folder for downloads: $TINYVIT_CACHE, or `tinyvit` where the system keeps caches.

    None if that would be in the user's home, and there is none.

    Raises:
        UserError: $TINYVIT_CACHE leads to the home of an unknown user.
    """
    if chosen := os.environ.get("TINYVIT_CACHE"):
        return expanded(chosen)
    name, below_home = ("LOCALAPPDATA", "AppData/Local") if sys.platform == "win32" else ("XDG_CACHE_HOME", ".cache")
    if caches := os.environ.get(name):
        return Path(caches) / "tinyvit"
    return (place / below_home / "tinyvit") if (place := home()) else None


def needed_cache_folder() -> Path:
    """The same, for what has to be kept.

    Raises:
        UserError: there is no such place.
    """
    if folder := cache_folder():
        return folder
    raise UserError(
        "there is no place for downloads, as this user has no home: set the environment variable TINYVIT_CACHE to a "
        "folder that can be written"
    )
