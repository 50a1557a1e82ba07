"""Threads: rows of an array shared among cores, and one thread for a matrix library whose products are small."""

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .arrays import Array, is_host

MIN_SIZE = 12_544  # numbers per thread, 16 of MNIST's images: with fewer, threads cost more than they bring


class _MatrixLibrary:
    """Thread limit of the matrix library. That is a setting of the whole process, and several of its threads
    may want one at the same time: the first of them sets it, and the last gives back what was found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library: Any = None  # found when it is first asked for
        self._limit: Any = None
        self._found = 1  # threads, before the limit
        self._holders = self._askers = 0

    def threads(self) -> int:
        """Number of threads for a piece of work: those that were there before others at such work took one each."""
        with self._lock:
            if self._askers:
                return 1
            return self._found if self._holders else self._number()

    @contextlib.contextmanager
    def one_thread(self, *, for_all: bool) -> Iterator[None]:
        """Inside, the library uses one thread; `for_all`: and all work by rows, too."""
        with self._lock:
            if not self._holders:
                self._found = self._number()
                self._limit = self._library.limit(limits=1)
            self._holders += 1
            self._askers += for_all
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                self._askers -= for_all
                if not self._holders:
                    self._limit.restore_original_limits()

    def _number(self) -> int:
        if self._library is None:
            from threadpoolctl import ThreadpoolController

            self._library = ThreadpoolController().select(user_api="blas")
        return max((library.num_threads for library in self._library.lib_controllers), default=1)


_matrix_library = _MatrixLibrary()


def one_matrix_thread() -> contextlib.AbstractContextManager[None]:
    """Inside, matrix products and `by_rows` use one thread, in the whole process: its bits then depend on no number of
    cores. Such blocks may overlap, in any threads; the last one gives back what the first one found.
    """
    return _matrix_library.one_thread(for_all=True)


def by_rows(function: Callable[[Array], Array], x: Array) -> Array:
    """`function(x)` for a function that treats each row of `x` by itself; on the CPU, pieces of `x` in threads.

    There are as many threads as the matrix library may use at the moment, each with one of its threads. A matrix
    library uses several cores for products alone; pieces use them for everything, as NumPy lets other threads run while
    it computes. Where the matrix library is limited to one thread, one thread is used here, too. NumPy's settings for
    overflow (`np.errstate`) are the caller's in all threads.
    """
    if not is_host(x) or x.size < 2 * MIN_SIZE:
        return function(x)
    pieces = np.array_split(x, min(_matrix_library.threads(), len(x), x.size // MIN_SIZE))
    if len(pieces) == 1:
        return function(x)
    from concurrent.futures import ThreadPoolExecutor

    with _matrix_library.one_thread(for_all=False), ThreadPoolExecutor(len(pieces) - 1) as pool:
        try:
            others = [pool.submit(contextvars.copy_context().run, function, piece) for piece in pieces[1:]]
        except RuntimeError:  # the system has no thread left: this one does it all
            pool.shutdown(cancel_futures=True)
            return np.concatenate([function(piece) for piece in pieces])
        return np.concatenate([function(pieces[0]), *(other.result() for other in others)])
