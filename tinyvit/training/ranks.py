"""One process by itself, as the loop sees it: rank 0 of 1. Many ranks are `parallel.World`."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np


class Ranks:
    """One process by itself: rank 0 of 1, without communication."""

    rank = 0
    size = 1

    def add_up(self, array: np.ndarray) -> None:
        """Replace `array` by its sum over all ranks, the same bits on each."""

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        return flag

    def from_first(self, value: Any) -> Any:
        """Rank 0's value, on every rank; all wait for it."""
        return value

    @contextlib.contextmanager
    def bound(self) -> Iterator[None]:
        """Inside, an error on one rank ends all of them: the others may be waiting for it."""
        yield
