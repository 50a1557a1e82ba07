"""Times on a GPU, of either side: medians by events on the device, of `INNER` runs at a time, and the host's share."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..config import ViTConfig
from ..datasets import normalize
from .setting import MEAN, STD, one_batch
from .timing import Series

INNER, REPEATS, WARM_UP = 10, 30, 10
Row = dict[str, Any]


class Size(NamedTuple):
    name: str
    config: ViTConfig
    batch_size: int
    precisions: tuple[str, ...]


def random_batch(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels that mean nothing."""
    batch = one_batch(size.config, size.batch_size).train
    return normalize(batch.images[:], MEAN, STD), batch.labels


def timed(
    run: Callable[[], Any], mark: Callable[[], Any], wait: Callable[[], Any], between: Callable[[Any, Any], float]
) -> tuple[Series, Series]:
    """Seconds of a run on the device, between two marks in its stream, and on the host, until all is sent."""
    for _ in range(WARM_UP):
        run()
    wait()
    device, host = [], []
    for _ in range(REPEATS):
        first, start = mark(), time.perf_counter()
        for _ in range(INNER):
            run()
        host.append((time.perf_counter() - start) / INNER)
        last = mark()
        wait()
        device.append(between(first, last) / INNER)
    return Series.of(device), Series.of(host)


def row_of(side: str, device: Series, host: Series) -> Row:
    times = {"ms": device.median, "p10": device.p10, "p90": device.p90, "host ms": host.median}
    return {"side": side} | {name: round(1000 * seconds, 4) for name, seconds in times.items()}
