"""Ctrl-C between two steps instead of in the middle of one."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class TrainingInterrupted(KeyboardInterrupt):
    """Training was asked to stop, has saved everything, and says how to go on."""


class Interrupts:
    """While this context is open, Ctrl-C (or a polite kill) only sets `requested`, and the loop stops where it is safe.

    A second Ctrl-C stops at once; what was saved before is still whole. Outside the main thread, nothing is changed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
