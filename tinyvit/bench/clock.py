"""Times of the steps of a whole training run."""

import time

import numpy as np

from ..training import Progress


class Clock(Progress):
    """Notes when each step has ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def step(self, images: int, loss: float | None) -> None:
        self.times.append(time.perf_counter())

    def seconds_per_step(self, steps_per_epoch: int) -> float:
        """The median; the first step of an epoch is left out, because there is more between it and the one before."""
        epochs = np.reshape(self.times, (-1, steps_per_epoch))
        return float(np.median(np.diff(epochs)))
