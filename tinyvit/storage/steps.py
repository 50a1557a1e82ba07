"""The loss within an epoch, in `steps.jsonl`: a line now and then, appended for those who watch a run.

Nothing depends on it. A run without it, or with a damaged one, goes on and is read as ever.
"""

import contextlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

STEPS = "steps.jsonl"
MAX_BYTES = 2**26  # that are read at a time; a line has about 60


class Step(NamedTuple):
    step: int  # 1-based, of the run
    epoch: float  # epochs done: 1.5 is the middle of the second
    loss: float  # mean of the steps since the line before


def append_step(folder: Path, step: Step) -> None:
    """Append a line. Whatever is wrong with the disk, the next checkpoint tells."""
    with contextlib.suppress(OSError), open(folder / STEPS, "a", encoding="utf-8") as file:
        file.write(json.dumps(step._asdict()) + "\n")


def forget_steps_after(folder: Path, last: int) -> None:
    """Drop the lines of steps that a run which goes on from step `last` is to do again."""
    with contextlib.suppress(OSError):
        steps = read_steps(folder)[0]
        kept = [step for step in steps if step.step <= last]
        if len(kept) < len(steps):
            (folder / STEPS).write_text("".join(json.dumps(step._asdict()) + "\n" for step in kept), encoding="utf-8")


def read_steps(folder: Path, start: int = 0) -> tuple[list[Step], int]:
    """The steps in the file from byte `start` on, and the byte where the next ones will begin.

    What is no line of a step is passed over; a last line that is not finished yet comes the next time. Where the file
    has become shorter, all of it is read again; none, and 0, where there is no file.
    """
    try:
        with open(folder / STEPS, "rb") as file:
            start = start if start <= file.seek(0, 2) else 0
            file.seek(start)
            content = file.read(MAX_BYTES)
    except OSError:
        return [], 0
    whole = content[: content.rfind(b"\n") + 1]
    steps = [step for line in whole.splitlines() if (step := _step_in(line)) is not None]
    return steps, start + len(whole)


def _step_in(line: bytes) -> Step | None:
    try:
        values: Any = json.loads(line)
        step = Step(values["step"], values["epoch"], values["loss"])
        right = type(step.step) is int and 0 < step.step < 2**53
        return step if right and all(type(x) is float and math.isfinite(x) for x in step[1:]) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
