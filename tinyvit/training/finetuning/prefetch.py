"""Prefetching: batches made ahead of time, so that the model never waits for images to be decoded."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """`make(step)` for this step and the next ones, a few at work in the background; memory holds no more than those.

    Args:
        make: must depend on nothing but the step.
        ahead: how many steps to make in advance.
        last: no step from here on is made in advance.
    """

    def __init__(self, make: Callable[[int], T], *, ahead: int = 2, last: int | None = None):
        self.make, self.ahead, self.last = make, ahead, last
        self._pool = ThreadPoolExecutor(1)
        self._made: dict[int, Future[T]] = {}

    def take(self, step: int) -> T:
        """Take what `make` gave for `step`; what it raised is raised here."""
        self._made = {number: future for number, future in self._made.items() if number >= step}
        stop = step + self.ahead + 1
        for number in range(step, stop if self.last is None else max(step + 1, min(stop, self.last))):
            if number not in self._made:
                self._made[number] = self._pool.submit(self.make, number)
        return self._made.pop(step).result()

    def close(self) -> None:
        """Stop; what is being made is finished first and thrown away."""
        self._pool.shutdown(cancel_futures=True)
