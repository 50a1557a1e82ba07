"""All cores for work that falls apart into rows."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import Array, is_host

LEAST_SIZE = 12_544  # numbers per thread, 16 of MNIST's images: with fewer, threads cost more than they bring


@functools.cache
def _matrix_library() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def by_rows(function: Callable[[Array], Array], x: Array) -> Array:
    """`function(x)` for a function that treats each row of `x` by itself; on the CPU, pieces of `x` in threads.

    There are as many threads as the matrix library may use at the moment, each with one of its threads. A matrix
    library uses several cores for products alone; pieces use them for everything, as NumPy lets other threads run while
    it computes. Whoever has limited the matrix library to one thread (`threadpoolctl`) gets one thread here.
    """
    if not is_host(x) or x.size < 2 * LEAST_SIZE:
        return function(x)
    threads = max((library.num_threads for library in _matrix_library().lib_controllers), default=1)
    pieces = np.array_split(x, min(threads, len(x), x.size // LEAST_SIZE))
    if len(pieces) == 1:
        return function(x)
    from concurrent.futures import ThreadPoolExecutor

    with _matrix_library().limit(limits=1), ThreadPoolExecutor(len(pieces) - 1) as pool:
        others = pool.map(function, pieces[1:])  # at work from here on
        return np.concatenate([function(pieces[0]), *others])
