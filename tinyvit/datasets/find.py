"""Search for the files of a dataset on this machine."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import UserError
from ..storage.paths import cache_folder, expanded

REPOSITORY_DATA = Path(__file__).resolve().parents[2] / "data"


def find_files(
    name: str, file_names: Sequence[str], data_dir: str | os.PathLike[str] | None = None
) -> list[Path] | None:
    """The files of dataset `name`, from the first folder that has all of them, or None if no folder has.

    With `data_dir` only that folder and its subfolder `name` are looked at. Without it: $TINYVIT_DATA
    (likewise), `data/` beside the package, and the user's cache. A file may be there without its `.gz`, and a name may
    have a dot before `idx`, or `test` for `t10k`, as some copies do.

    Raises:
        UserError: `data_dir` was given and does not have them, or $TINYVIT_DATA is no folder.
    """
    if found := find_in(folders_of(name, data_dir), file_names):
        return found
    if data_dir is not None:
        first, second = folders_of(name, data_dir)
        raise UserError(
            f"the {name} files ({', '.join(file_names)}) are not all in {first} nor in {second}: "
            "put them there, name another folder with --data-dir, or leave it out to use or download a copy"
        )
    return None


def folders_of(name: str, data_dir: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """Folders to search for dataset `name`, in order; errors as for `find_files`."""
    if data_dir is not None:
        yield from (expanded(data_dir), expanded(data_dir) / name)
        return
    if chosen := os.environ.get("TINYVIT_DATA"):
        if not expanded(chosen).is_dir():
            raise UserError(
                f"the environment variable TINYVIT_DATA names {chosen}, which is no folder: correct or unset it"
            )
        yield from (expanded(chosen), expanded(chosen) / name)
    yield REPOSITORY_DATA / name
    if (cache := cache_folder()) is not None:
        yield cache / name


def find_in(folders: Iterable[Path], file_names: Sequence[str]) -> list[Path] | None:
    """The files, from the first folder that has all of them, or None if no folder has."""
    for folder in folders:
        paths = [_in_any_spelling(folder / file_name) for file_name in file_names]
        found = [path for path in paths if path is not None]
        if len(found) == len(file_names):
            return found
    return None


def _in_any_spelling(path: Path) -> Path | None:
    """`path`, or the same file under another usual name, or None if there is none."""
    names = [path.name, path.name.removesuffix(".gz")]
    names += [name.replace("-idx", ".idx") for name in names]
    names += [name.replace("t10k", "test") for name in names]
    return next((path.with_name(name) for name in names if os.path.exists(path.with_name(name))), None)
