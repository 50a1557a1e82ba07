"""Observation of a learner's function while it runs: what it calls, what it changes, where it stops."""

import _thread
import inspect
import signal
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from .exercise import Case, Exercise

PACKAGE = str(Path(__file__).parents[1])
LIBRARIES = (str(Path(np.__file__).parents[1]), sysconfig.get_path("stdlib"))
SECONDS = 60.0  # that a check waits for a function before it takes its loop for endless


class CallsTinyvit(Exception):
    """The learner's function calls what it is meant to write."""


@contextmanager
def noticing_tinyvit(parts: tuple[str, ...]) -> Iterator[None]:
    """Stop when the function inside calls what tinyvit has under these names, whatever it is called there."""

    def notice(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE):
            place = Path(code.co_filename).relative_to(PACKAGE).as_posix()
            called = code.co_name if place.startswith("course/") else f"{place} {code.co_qualname}"
            if any(part in called for part in parts):
                raise CallsTinyvit(f"tinyvit's own {code.co_qualname}")

    before: Callable[..., Any] | None = sys.getprofile()
    sys.setprofile(notice)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextmanager
def time_limit() -> Iterator[None]:
    """Interrupt what is inside, as Stop does, when it has taken too long; only where Python can, the main thread.

    Nor can Python in a browser, which has no threads.
    """
    if threading.current_thread() is not threading.main_thread() or sys.platform == "emscripten":
        yield
        return
    timer = threading.Timer(SECONDS, _thread.interrupt_main)
    timer.daemon = True
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as in what a shell runs in the background
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def where_it_stopped(error: BaseException) -> str:
    """Sentence about an error, with the learner's line and not ours."""
    return f"it stopped with {type(error).__name__}: {words_of(error)}{_learners_line(error)}"


def words_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a learner's own kind of error may be wrong itself
        return "(an error without words)"


def stopped_by_hand(error: KeyboardInterrupt) -> str:
    """Sentence about a function that was stopped, or took too long."""
    return f"it was stopped before it came to an end; it was{_learners_line(error) or ' in your function'}"


def _learners_line(error: BaseException) -> str:
    lines = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((PACKAGE, *LIBRARIES))
    ]
    return f" in line {lines[-1].lineno}: {lines[-1].line}" if lines else ""


def changed_input(exercise: Exercise, given: Case, original: Case) -> str:
    """Name of the input that the function changed; "" if none."""
    for (name, now), (_, before) in zip(_bound(exercise, given), _bound(exercise, original), strict=True):
        now, before = list(_parts(now)), list(_parts(before))
        if len(now) != len(before) or not all(map(_unchanged, now, before)):
            return f"your input `{name}` was changed in place: work on a copy, others still need it"
    return ""


def _unchanged(now: Any, before: Any) -> bool:
    """Arrays are compared, as the learner works on a copy; all else is not copied."""
    return np.array_equal(now, before) if isinstance(before, np.ndarray) else now is before


def inputs(exercise: Exercise, case: Case) -> Iterator[tuple[str, list[np.ndarray]]]:
    """The name of each argument, and the arrays that come in it."""
    for name, value in _bound(exercise, case):
        yield name, [part for part in _parts(value) if isinstance(part, np.ndarray)]


def called_with(exercise: Exercise, case: Case) -> str:
    """The arguments of a case in a few words: the shapes of arrays, small things as they are."""
    return ", ".join(f"{name} {_in_words(value)}" for name, value in _bound(exercise, case))


def _bound(exercise: Exercise, case: Case) -> Iterable[tuple[str, Any]]:
    """The name of each argument, and what is given for it."""
    return inspect.signature(exercise.solution).bind(*case.arguments, **case.options).arguments.items()


def _in_words(value: Any) -> str:
    if isinstance(value, float):  # NumPy's too
        return f"= {float(value):.6g}"
    if hasattr(value, "shape"):
        return f"of shape {value.shape}"
    shapes = [getattr(part, "shape", None) for part in value] if isinstance(value, list) else []
    if len(shapes) > 4 and shapes[0] is not None and len(set(shapes)) == 1:
        return f"({len(shapes)} arrays {_in_words(value[0])})"
    if isinstance(value, tuple | list) and any(hasattr(part, "shape") for part in value):
        return f"= ({', '.join(_in_words(part).removeprefix('= ') for part in value)})"
    text = repr(value)
    return f"= {text}" if len(text) <= 40 else f"(a {type(value).__name__})"


def _parts(value: Any) -> Iterator[Any]:
    """Items of tuples, lists and dicts, one after another."""
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, tuple | list):
        yield value
        return
    for part in value:
        yield from _parts(part)


def copy_of(case: Case) -> Case:
    return case._replace(arguments=_copied(case.arguments), options=_copied(dict(case.options)))


def _copied(value: Any) -> Any:
    if isinstance(value, tuple | list):
        parts = map(_copied, value)
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return value.copy() if isinstance(value, np.ndarray) else value
