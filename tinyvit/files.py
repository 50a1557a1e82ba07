"""Folders of arrays and JSON that are complete or absent, whatever is killed when. Knows nothing of models.

A folder is written beside its place as `.<name>.tinyvit-writing`, flushed to the disk, renamed to `.<name>.tinyvit-new`
(from here on it is complete), and then takes the place of the old one, which waits as `.<name>.tinyvit-old` meanwhile.
Should a kill come in between, `current_folder` tells a reader which one to read.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .backend import Array
from .errors import UserError
from .tensors import write_arrays

CONFIG, WEIGHTS, PREPROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"
STATE_ARRAYS, STATE_PROGRESS = "training_state.safetensors", "training_state.json"
Content = bytes | Mapping[str, Array]  # of a file
# What a folder may hold and yet be replaced; the last is what macOS leaves where somebody looked.
REPLACEABLE = {CONFIG, WEIGHTS, PREPROCESSOR, STATE_ARRAYS, STATE_PROGRESS, ".DS_Store"}


def write_folder(folder: str | Path, files: Mapping[str, Content]) -> None:
    """Replace `folder` by one that holds exactly `files` (name -> content); a kill at any moment loses nothing.

    Named arrays as content become a safetensors file.

    A link to a folder stays, and the folder it leads to is replaced.

    Raises:
        UserError: the place is a file or holds files that no checkpoint has, the disk is full, or it cannot be written;
            what stood there before still does.
    """
    given, folder = folder, Path(os.path.realpath(folder))  # behind all links
    writing, new, old = siblings(folder)
    try:
        _check_replaceable(given, folder, files)
        finish_replacing(folder)
        shutil.rmtree(writing, ignore_errors=True)
        writing.mkdir(parents=True)
        for name, content in files.items():
            _write_flushed(writing / name, content)
        _flush_directory(writing)
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


def finish_replacing(folder: Path) -> None:
    """Put a complete new version in its place, if a kill kept it from getting there; may be called at any time."""
    folder = Path(os.path.realpath(folder))
    _, new, old = siblings(folder)
    if new.exists():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        new.rename(folder)
        _flush_directory(folder.parent)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)


def current_folder(folder: str | Path) -> Path:
    """The newest complete version of `folder`, changing nothing on the disk."""
    _, new, _ = siblings(Path(os.path.realpath(folder)))
    return new if new.exists() else Path(folder)


def siblings(path: Path) -> tuple[Path, Path, Path]:
    """Where versions of a file or folder wait beside it, under names nobody types: (writing, new, old)."""
    writing, new, old = (path.parent / f".{path.name}.tinyvit-{state}" for state in ("writing", "new", "old"))
    return writing, new, old


def write_file(path: str | Path, content: bytes) -> None:
    """Replace one file by `content`, whole or not at all.

    Raises:
        UserError: the disk is full or the place cannot be written; what stood there before still does.
    """
    path = Path(path)
    temporary, _, _ = siblings(path)
    try:
        _write_flushed(temporary, content)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UserError(
            f"could not write {path} ({error.strerror or error}): free some space or choose another place"
        ) from error


def read_file(path: Path) -> bytes:
    """The content of a file.

    Raises:
        UserError: it is missing or unreadable.
    """
    return _read(path, path.read_bytes)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        UserError: the file is missing, unreadable, or holds something else.
    """
    content = read_file(path)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}): it is damaged, use another copy") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} must hold a JSON object, got {type(values).__name__}: use another copy")
    return values


def to_json(values: Mapping[str, Any]) -> bytes:
    """A JSON object for people to read."""
    return (json.dumps(values, indent=2) + "\n").encode()


def _check_replaceable(given: str | Path, folder: Path, files: Mapping[str, Content]) -> None:
    """Whether nothing but a checkpoint would be lost. `given` is how the caller spelled `folder`."""
    if not folder.name or Path.cwd().is_relative_to(folder):
        raise UserError(f"{str(given)!r} is the folder you work in, or one above it: choose a folder of its own")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{given} is a file and stays as it is: choose a folder")
    others = sorted({path.name for path in folder.iterdir()} - REPLACEABLE - set(files))
    if others:
        names = ", ".join(others[:3]) + (", ..." if others[3:] else "")
        raise UserError(f"{given} holds other files ({names}) and stays as it is: choose a folder of its own")


def _read(path: Path, reader: Callable[[], Any]) -> Any:
    try:
        return reader()
    except FileNotFoundError as error:
        raise UserError(f"{path} was not found: check the folder's name") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}): check the file and its rights") from error


def _write_flushed(path: Path, content: Content) -> None:
    with open(path, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            write_arrays(file, content)
        file.flush()
        os.fsync(file.fileno())


def _flush_directory(folder: Path) -> None:
    """Make renames in `folder` survive a power cut, where the system can (not on Windows)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
