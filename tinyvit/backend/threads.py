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
        self._libraries: Any = None  # found when they are first asked for
        self._found: list[int] = []  # threads of each, before the limit
        self._holders = self._askers = 0

    def threads(self) -> int:
        """Number of threads for a piece of work: those that were there before others at such work took one each."""
        with self._lock:
            if self._askers:
                return 1
            return max(self._found if self._holders else self._numbers(), default=1)

    @contextlib.contextmanager
    def one_thread(self, *, for_all: bool) -> Iterator[None]:
        """Inside, the library uses one thread; `for_all`: and all work by rows, too."""
        with self._lock:
            if not self._holders:
                self._found = self._numbers()
                self._limit([1] * len(self._found))
            self._holders += 1
            self._askers += for_all
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                self._askers -= for_all
                if not self._holders:
                    self._limit(self._found)

    def _numbers(self) -> list[int]:
        if self._libraries is None:
            from threadpoolctl import ThreadpoolController

            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return [library.num_threads for library in self._libraries]

    def _limit(self, numbers: list[int]) -> None:
        """From threadpoolctl 3.7 on, the thread that first limits OpenBLAS controls it, and what others ask for is
        passed over in silence: here each takes the control, and leaves it free for the next one.
        """
        for library, number in zip(self._libraries, numbers, strict=True):
            free = getattr(library, "clear_controlling_thread", lambda **_: None)
            free(force=True)
            library.set_num_threads(number)
            free(force=True)


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
