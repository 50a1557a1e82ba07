"""Where the files of a dataset lie on this machine."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError

REPOSITORY_DATA = Path(__file__).resolve().parents[2] / "data"


def cache_folder() -> Path:
    """The user's own folder for downloads: $TINYVIT_CACHE, or `tinyvit` where the system keeps caches."""
    if chosen := os.environ.get("TINYVIT_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "tinyvit"


def find_files(
    name: str, file_names: Sequence[str], data_dir: str | os.PathLike[str] | None = None
) -> list[Path] | None:
    """The files of dataset `name`, from the first folder that has all of them, or None if no folder has.

    With `data_dir`, or else $TINYVIT_DATA, only that folder and its subfolder `name` are looked at. Without both:
    `data/` beside the package, and the user's cache. A file may be there without its `.gz`.

    Raises:
        UserError: a folder was given and does not have them.
    """
    chosen, way = data_dir, "--data-dir"
    if chosen is None:
        chosen, way = os.environ.get("TINYVIT_DATA") or None, "the environment variable TINYVIT_DATA"
    if chosen is not None:
        folders = [Path(chosen).expanduser(), Path(chosen).expanduser() / name]
    else:
        folders = [REPOSITORY_DATA / name, cache_folder() / name]
    for folder in folders:
        paths = [_with_or_without_gz(folder / file_name) for file_name in file_names]
        found = [path for path in paths if path is not None]
        if len(found) == len(file_names):
            return found
    if chosen is not None:
        raise UserError(
            f"the {name} files ({', '.join(file_names)}) are not all in {folders[0]} nor in {folders[1]}: "
            f"put them there, name another folder with {way}, or leave it out to use or download a copy"
        )
    return None


def _with_or_without_gz(path: Path) -> Path | None:
    """`path`, or the same without `.gz`, or None if neither is there."""
    return next((p for p in (path, path.with_suffix("")) if os.path.exists(p)), None)
