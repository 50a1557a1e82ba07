"""Signals: SIGTERM and SIGHUP stop a command as Ctrl-C does, and what is half written is removed."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")  # the second is not on Windows


@contextlib.contextmanager
def stopped_by_kills() -> Iterator[None]:
    """Inside, these signals raise KeyboardInterrupt, unless they are ignored, as by `nohup`, or handled elsewhere."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
