"""Counters of the stand-in: reads by the host, and calls that would launch something on a GPU."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Launch(NamedTuple):
    """A call that computes: on a GPU at least one kernel, and so many bytes of the GPU's memory."""

    name: str
    read: int
    written: int


_reads: list[str] = []
_launches: list[Launch] = []
_forbidden = [False]


def host_reads() -> list[str]:
    """Every place so far where a GPU would have had to be waited for, by what was done; clear it to start anew."""
    return _reads


def launches() -> list[Launch]:
    """Every call so far that computed something; clear it to start anew. Views compute nothing."""
    return _launches


@contextlib.contextmanager
def no_host_reads() -> Iterator[None]:
    """Inside, every read by the host is an error: what runs here can be captured in a CUDA graph."""
    _forbidden[0] = True
    try:
        yield
    finally:
        _forbidden[0] = False


def note_read(what: str) -> None:
    _reads.append(what)
    if _forbidden[0]:
        raise RuntimeError(f"{what} makes the host wait for the GPU")


def note_call(name: str, given: Any, made: Any, *, into: bool = False) -> None:
    """Enter a launch; a view of what was given is none, unless the call wrote `into` memory that was there."""
    read = {id(array): array for array in _host_arrays(given)}.values()
    written = _host_arrays(made)
    view = any(np.may_share_memory(array, other) for array in written for other in read)
    if into or (written and not view and not name.startswith("empty")):
        _launches.append(Launch(name, sum(array.nbytes for array in read), sum(array.nbytes for array in written)))


def _host_arrays(x: Any) -> list[Any]:
    if isinstance(x, list | tuple):
        return [array for part in x for array in _host_arrays(part)]
    return [x] if isinstance(x, np.ndarray | np.generic) else []
