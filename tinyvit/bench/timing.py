"""Timers: medians of runs, and of two sides taken in turn."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np


class Series(NamedTuple):
    """Seconds of many runs of one thing: the tenth, the fiftieth and the ninetieth percentile."""

    p10: float
    median: float
    p90: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Series":
        return cls(*(float(value) for value in np.percentile(seconds, [10, 50, 90])))


def in_turn(runs: Mapping[str, Callable[[], Any]], rounds: int, *, warm_up: int = 3) -> dict[str, Series]:
    """Run each thing once, then each once more, and so on: what slows the machine for a while slows them all.

    The first `warm_up` rounds do not count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(warm_up + rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number >= warm_up:
                seconds[name].append(time.perf_counter() - start)
    return {name: Series.of(taken) for name, taken in seconds.items()}
