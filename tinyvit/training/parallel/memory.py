"""Shared memory of several processes, which vanishes by itself.

It has no name in any file system. So nothing is left behind when processes are killed: the system takes it back when
the last one that holds it has ended, whichever way it ended.
"""

import mmap
import os
import sys
import tempfile
import uuid
from collections.abc import Mapping

import numpy as np

from .handles import above_standard

Layout = Mapping[str, tuple[tuple[int, ...], str]]  # name -> (shape, dtype)

ALIGNMENT = 64  # bytes of a cache line, so that no two arrays share one


class SharedArrays(dict[str, np.ndarray]):
    """Arrays by name, zeros at first, in memory that other processes can join.

    Args:
        layout: shape and dtype of each.
        handle: of memory that another process made with the same layout; None makes new memory. On Linux and macOS it
            is a file descriptor, which a child must inherit (`subprocess.Popen(..., pass_fds=[handle])`).
    """

    def __init__(self, layout: Layout, handle: int | str | None = None):
        super().__init__()
        self.handle: int | str = -1
        if not layout:
            return
        starts, size = {}, 0
        for name, (shape, dtype) in layout.items():
            starts[name] = size
            size += -(-np.dtype(dtype).itemsize * int(np.prod(shape)) // ALIGNMENT) * ALIGNMENT
        self.handle = _new_handle(max(1, size)) if handle is None else handle
        if isinstance(self.handle, str):
            memory = mmap.mmap(-1, max(1, size), tagname=self.handle)  # type: ignore[call-arg]
        else:
            with above_standard():  # it keeps a handle of its own
                memory = mmap.mmap(self.handle, max(1, size))
        for name, (shape, dtype) in layout.items():
            count = int(np.prod(shape))
            self[name] = np.frombuffer(memory, dtype, count, starts[name]).reshape(shape)

    def close_handle(self) -> None:
        """No more processes will join; the arrays stay."""
        if isinstance(self.handle, int) and self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def _new_handle(size: int) -> int | str:
    if sys.platform == "win32":
        return f"tinyvit-{uuid.uuid4()}"  # not a file: Windows drops it with its last user
    with above_standard():
        if sys.platform == "linux":
            handle = os.memfd_create("tinyvit")
        else:
            with tempfile.TemporaryFile() as file:  # its name is gone as soon as it is open
                handle = os.dup(file.fileno())
    try:
        os.ftruncate(handle, size)
    except BaseException:
        os.close(handle)
        raise
    return handle
