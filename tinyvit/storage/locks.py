"""Locks on files and folders, released by the system whichever way a process ends."""

import os
import weakref
from pathlib import Path
from typing import Self

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows, a browser
    flock = None  # type: ignore[assignment]


class FileLock:
    """From here to `close` the lock is exclusive: against other processes, and within this one.

    What is locked is the file or folder itself, wherever it is moved. Where there are no such locks (on Windows, on
    some network disks, in a browser) every caller gets one.

    Args:
        path: a file or folder that is there; nothing is written to it.
        wait: until it is released.

    Raises:
        BlockingIOError: the lock is taken.
        OSError: there is no such file, or it may not be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, wait: bool = False):
        self.handle = -1
        if flock is None:
            return
        try:
            self.handle = os.open(path, os.O_RDWR)  # a network disk may not lock what is open for reading only
        except (IsADirectoryError, PermissionError):
            self.handle = os.open(path, os.O_RDONLY)
        _held.add(self)
        try:
            flock(self.handle, LOCK_EX if wait else LOCK_EX | LOCK_NB)
        except BlockingIOError:
            self.close()
            raise
        except OSError:  # no locks there
            pass
        except BaseException:  # Ctrl-C while it waits
            self.close()
            raise

    def is_of(self, path: Path) -> bool:
        """Whether what stands at `path` is still what was locked."""
        try:
            return self.handle < 0 or os.path.samestat(os.fstat(self.handle), path.stat())
        except OSError:
            return False

    def close(self) -> None:
        """Others may have it; twice does no harm."""
        _held.discard(self)
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_held: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _close_all() -> None:
    """In a fork, which would keep the locks of the process it comes from longer than that one lives."""
    for lock in list(_held):
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)
