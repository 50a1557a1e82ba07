"""Where downloads are kept."""

import os
import sys
from pathlib import Path

from ..errors import UserError
from ..storage.paths import expanded, home


def cache_folder() -> Path | None:
    """The user's own folder for downloads: $TINYVIT_CACHE, or `tinyvit` where the system keeps caches.

    None if that would be in the user's home, and there is none.

    Raises:
        UserError: $TINYVIT_CACHE leads to the home of nobody.
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
