"""Atomic folders of arrays and JSON, complete or absent whenever a process is killed.

A folder is written beside its place as `.<name>.tinyvit-writing`, flushed to the disk, renamed to `.<name>.tinyvit-new`
(from here on it is complete), and then takes the place of the old one, which waits as `.<name>.tinyvit-old` meanwhile.
Should a kill come in between, `current_folder` tells a reader which one to read.
"""

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import TypeVar

from ..errors import UserError
from .files import (
    CONFIG,
    HEAD,
    PREPROCESSOR,
    STATE_ARRAYS,
    STATE_PROGRESS,
    TASK,
    WEIGHTS,
    Content,
    current_folder,
    flush_directory,
    siblings,
    write_flushed,
)

Result = TypeVar("Result")

# What a folder may hold and yet be replaced; the last is what macOS leaves in a folder that was opened.
REPLACEABLE = {CONFIG, WEIGHTS, PREPROCESSOR, TASK, HEAD, STATE_ARRAYS, STATE_PROGRESS, ".DS_Store"}
MAX_TRIES = 100  # to read a folder while it is replaced


def write_folder(folder: str | Path, files: Mapping[str, Content], *, keep_others: bool = False) -> None:
    """Replace `folder` by one that holds exactly `files` (name -> content); a kill at any moment loses nothing.

    Named arrays as content become a safetensors file. A name such as "figures/loss.png" is in a folder of its own.

    A link to a folder stays, and the folder it leads to is replaced.

    Args:
        keep_others: files and folders that no checkpoint has move into the new folder, instead of being refused:
            a file manager's, a network disk's, a note.

    Raises:
        UserError: the place is a file or holds files that no checkpoint has, the disk is full, or it cannot be written;
            what stood there before still does.
    """
    given, folder = folder, Path(folder)
    writing = new = old = folder
    try:
        folder = Path(os.path.realpath(folder))  # behind all links
        writing, new, old = siblings(folder)
        tops = {name.split("/")[0] for name in files}
        _check_replaceable(given, folder, None if keep_others else REPLACEABLE | tops)
        finish_replacing(folder)
        shutil.rmtree(writing, ignore_errors=True)
        writing.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            if "/" in name:
                (writing / name).parent.mkdir(parents=True, exist_ok=True)
            write_flushed(writing / name, content)
        flush_directory(writing)
        writing.rename(new)
        finish_replacing(folder)
    except OSError as error:
        if not new.exists():
            shutil.rmtree(writing, ignore_errors=True)
        is_kept = any(path.exists() for path in (folder, new, old))
        what_now = "the previous one is untouched" if is_kept else "nothing was saved"
        raise UserError(
            f"could not write {given} ({error.strerror or error}; {what_now}): free some space or choose another place"
        ) from error
    except BaseException:  # Ctrl-C, or no memory
        shutil.rmtree(writing, ignore_errors=True)
        with contextlib.suppress(OSError):
            finish_replacing(folder)
        raise


def finish_replacing(folder: Path) -> None:
    """Put a complete new version in its place, if a kill kept it from getting there; may be called at any time."""
    folder = Path(os.path.realpath(folder))
    _, new, old = siblings(folder)
    if new.exists():
        if folder.exists():
            folder.rename(_free(old))
        new.rename(folder)
        flush_directory(folder.parent)
    if folder.exists():
        for version in _versions(old):
            _clear(version, folder)


def _clear(old: Path, folder: Path) -> None:
    """Delete a version that has been replaced. What others put into it moves to `folder`; what the system does not let
    go (a network disk keeps deleted files that are open) stays, and is tried again next time.
    """
    ours = REPLACEABLE | {path.name for path in folder.iterdir()}
    for path in old.iterdir():
        with contextlib.suppress(OSError):
            if path.name not in ours:
                path.rename(folder / path.name)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    with contextlib.suppress(OSError):
        old.rmdir()


def _versions(old: Path) -> list[Path]:
    """Versions that wait beside their place under the name `old`, or `old` with a number."""
    prefix = f"{old.name}-"
    beside = (path for path in old.parent.iterdir() if path.name.startswith(prefix))
    numbered = (path for path in beside if path.name.removeprefix(prefix).isdecimal())
    return [path for path in (old, *numbered) if path.is_dir()]


def _free(old: Path) -> Path:
    """`old`, or with a number where that could not be deleted."""
    names = itertools.chain([old], (old.with_name(f"{old.name}-{number}") for number in itertools.count(2)))
    return next(path for path in names if not path.exists())


def is_there(folder: str | Path) -> bool:
    """Whether there is a complete version of `folder`, even in the moment when a new one takes its place."""
    _, new, _ = siblings(Path(os.path.realpath(folder)))
    return any(path.is_dir() for path in (new, Path(folder)) * 2)


def read_folder(folder: str | Path, reader: Callable[[Path], Result]) -> Result:
    """Read `reader(version)` from one version of `folder`, although another process may replace it meanwhile.

    Raises:
        UserError: as `reader` does, or `folder` is replaced faster than it can be read.
    """
    for _ in range(MAX_TRIES):
        before = _identity(folder)
        try:
            result = reader(current_folder(folder))
        except (UserError, OSError):
            if _identity(folder) == before:
                raise
        else:
            if _identity(folder) == before:
                return result
    raise UserError(f"{folder} is being replaced again and again: wait until the process that writes it is done")


def _identity(folder: str | Path) -> tuple[object, ...] | None:
    """Identity of a version of a folder; None if there is none."""
    place = current_folder(folder)
    try:
        found = place.stat()
    except OSError:
        return None
    return place, found.st_dev, found.st_ino, found.st_mtime_ns


def _check_replaceable(given: str | Path, folder: Path, may_go: Set[str] | None) -> None:
    """Check that nothing but a checkpoint would be lost.

    Args:
        given: how the caller spelled `folder`.
        may_go: names that may be in it; None allows all.
    """
    if not folder.name or _is_worked_in(folder):
        raise UserError(f"{str(given)!r} is the folder you work in, or one above it: choose a folder of its own")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{given} is a file and stays as it is: choose a folder")
    others = [] if may_go is None else sorted({path.name for path in folder.iterdir()} - may_go)
    if others:
        names = ", ".join(others[:3]) + (", ..." if others[3:] else "")
        raise UserError(f"{given} holds other files ({names}) and stays as it is: choose a folder of its own")


def _is_worked_in(folder: Path) -> bool:
    try:
        return Path.cwd().is_relative_to(folder)
    except OSError:  # it has been deleted
        return False
