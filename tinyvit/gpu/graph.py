"""A step recorded once and replayed: the host then sends one command a step in place of a hundred."""

from collections.abc import Callable

from .device import Device


class GraphedStep:
    """Calls `run`: the first time as it is, which makes its memory and warms the libraries up; then recorded.

    If it cannot be recorded, it goes on as it is, and `fallback` says why. `run` must do the same to the same memory
    each time: what changes from step to step, it reads from the device.
    """

    def __init__(self, device: Device, run: Callable[[], None]):
        self._device, self._run = device, run
        self._calls = 0
        self._replay: Callable[[], None] = run
        self.fallback: str | None = None

    def __call__(self) -> None:
        if self._calls == 1:
            try:
                self._replay = self._device.record(self._run)
            except Exception as error:  # whatever it is, the step itself still works
                self.fallback = f"{type(error).__name__}: {error}"
        self._calls += 1
        self._replay()
