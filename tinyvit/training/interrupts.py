"""Interrupts: Ctrl-C takes effect between two steps instead of in the middle of one."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

HANG_UP = getattr(signal, "SIGHUP", None)  # not on Windows
SIGNALS = tuple(filter(None, (signal.SIGINT, signal.SIGTERM, HANG_UP)))


class TrainingInterrupted(KeyboardInterrupt):
    """Training was asked to stop, has saved everything, and says how to go on."""


class Interrupts:
    """While this context is open, Ctrl-C (or a polite kill, or the end of the terminal) only sets `requested`, and the
    loop stops where it is safe.

    A second Ctrl-C stops at once; what was saved before is still whole. Nothing is changed outside the main thread, and
    nothing for a signal that is ignored, as in the background of a script, or that a program around Python handles.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):  # None: a handler in C, not to be had back
                    self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number != HANG_UP:  # which comes along with another when a session ends
            raise KeyboardInterrupt
        self.requested = True
