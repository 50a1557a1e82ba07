"""Where downloads are kept."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The user's own folder for downloads: $TINYVIT_CACHE, or `tinyvit` where the system keeps caches."""
    if chosen := os.environ.get("TINYVIT_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "tinyvit"
