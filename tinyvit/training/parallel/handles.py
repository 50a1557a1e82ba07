"""Handles that a child process cannot take for its standard streams."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def above_standard() -> Iterator[None]:
    """Inside, no new handle is 0, 1 or 2, which the system gives away where a standard stream was closed
    (`tinyvit train <&-`): a child's streams would be put in its place.
    """
    taken = []
    try:
        while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
            taken.append(handle)
        os.close(handle)
        yield
    finally:
        for handle in taken:
            os.close(handle)
