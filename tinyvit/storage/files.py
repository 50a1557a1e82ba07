"""Atomic files, complete or absent whenever a process is killed, and how they are read."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from ..backend import Array
from ..errors import UserError
from .locks import FileLock
from .tensors import write_arrays

CONFIG, WEIGHTS, PREPROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"
TASK, HEAD = "task.json", "head.safetensors"  # of a model that does more than classify
TASK_MODEL = "tinyvit-task"  # model_type in the config.json of a model that has no image encoder
STATE_ARRAYS, STATE_PROGRESS = "training_state.safetensors", "training_state.json"
MAX_BYTES = 2**27  # of a file that is not arrays
Content = bytes | Mapping[str, Array]  # of a file


def siblings(path: Path) -> tuple[Path, Path, Path]:
    """Paths beside a file or folder where its versions wait: (writing, new, old)."""
    writing, new, old = (path.parent / f".{path.name}.tinyvit-{state}" for state in ("writing", "new", "old"))
    return writing, new, old


def current_folder(folder: str | Path) -> Path:
    """The newest complete version of `folder`, changing nothing on the disk; `folder` itself where there is none."""
    _, new, _ = siblings(Path(os.path.realpath(folder)))
    # Twice, as a new version may have come, and gone to its place, between two looks.
    return next((path for path in (new, Path(folder)) * 2 if path.exists()), Path(folder))


def set_aside(path: Path) -> Path:
    """Rename a file to free its name: `notes.txt` becomes `notes.old1.txt`. Returns the new path."""
    kept = next(p for n in count(1) if not (p := path.with_suffix(f".old{n}{path.suffix}")).exists())
    with disk_errors(path):
        return path.rename(kept)


def write_file(path: str | Path, content: bytes) -> None:
    """Replace one file by `content`, whole or not at all.

    Raises:
        UserError: as `replacing` does.
    """
    with replacing(path) as file, disk_errors(path):
        file.write(content)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when the block ends, and of nothing when an error ends it.

    It waits beside its place, always under the same name. So what a kill leaves there goes when the file is written
    again, and two who write it at the same time do not mix.

    Raises:
        UserError: the disk is full, the place is no file, cannot be written, or another process is writing it; what
            stood there before still does.
    """
    place = Path(os.path.realpath(path))  # behind all links
    if place.exists() and not place.is_file():
        raise UserError(f"{path} is a folder, a pipe or a device, and stays as it is: choose another place")
    temporary, _, _ = siblings(place)
    with disk_errors(path):
        lock = _claimed(temporary)
    with lock:
        try:
            with disk_errors(path):
                file = open(temporary, "wb")  # noqa: SIM115
            try:
                yield file
                with disk_errors(path):
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                with contextlib.suppress(OSError):  # of what an error has kept from the disk
                    file.close()
            with disk_errors(path):
                os.replace(temporary, place)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def disk_errors(path: str | Path) -> Iterator[None]:
    """Whatever goes wrong in writing `path` becomes a sentence.

    Raises:
        UserError: it could not be written.
    """
    try:
        yield
    except BlockingIOError as error:
        raise UserError(f"{path} is being written by another process: wait for it, or choose another place") from error
    except OSError as error:
        raise UserError(
            f"could not write {path} ({error.strerror or error}): free some space or choose another place"
        ) from error


def _claimed(temporary: Path) -> FileLock:
    """The lock of a file that others may put in its place, and make anew, while it is asked for."""
    while True:
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o666))
        lock = FileLock(temporary)
        if lock.is_of(temporary):
            return lock
        lock.close()


def read_file(path: Path) -> bytes:
    """The content of a file of text or JSON; arrays are read by `tensors`.

    Raises:
        UserError: it is missing, unreadable, unreasonably large, or no file but a folder, a pipe or a device.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} cannot be read (it is a folder, a pipe or a device): put the file itself in its place")
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path} was not found: check the folder's name") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}): check the file and its rights") from error
    if len(content) > MAX_BYTES:
        raise UserError(f"{path} has more than the {MAX_BYTES:,} bytes that can be meant: use another copy")
    return content


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


def write_flushed(path: Path, content: Content) -> None:
    """Write a new file to the disk; named arrays become a safetensors file."""
    with open(path, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            write_arrays(file, content)
        file.flush()
        os.fsync(file.fileno())


def flush_directory(folder: Path) -> None:
    """Make renames in `folder` survive a power cut, where the system can (not on Windows)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
