"""Reading files by a few threads: while one waits for the disk, or decodes, others go on."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_THREADS = 8
AHEAD = 4  # per thread: how many items are begun before their turn


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """`function(item)` for each item, in order, computed by a thread per core, eight at most, and only a little ahead.

    So memory does not grow with the number of items; and after an error, Ctrl-C or `close()`, which end it at once,
    nothing is begun any more.
    """
    threads = min(cores(), MAX_THREADS)
    pool = ThreadPoolExecutor(threads)
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) == AHEAD * threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
