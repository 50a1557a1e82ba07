"""A training step and inference, start-up and memory, timed in turn with PyTorch's where that is asked for.

Both sides have the same weights, images and precision (float32), AdamW, and all cores. Before anything is timed, they
are checked to compute the same loss and the same gradients.
"""

import contextlib
import importlib.util
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..config import ViTConfig
from ..config.run import Workers
from ..errors import UserError
from ..storage.tensors import read_arrays
from .setting import STEP
from .timing import Series, in_turn

TOLERANCE = 1e-3  # of loss and gradients, relative to the largest of an array: float32 sums in another order
LAUNCHES = 5  # of each side: some processes are luckier with their memory and their threads than others
TURN_SECONDS = 0.1  # how long a side runs before it is the other's turn
PACKAGES = {"tinyvit": "tinyvit", "PyTorch": "torch"}


class SideProcess:
    """A side at work elsewhere; see `side`."""

    def __init__(self, setting: Mapping[str, Any]):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tinyvit.bench.side"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ask(setting, has_answer=False)

    def ask(self, command: Mapping[str, Any], *, has_answer: bool = True) -> Any:
        """The answer to a command.

        Raises:
            UserError: the process has failed; what it had to say went to stderr.
        """
        line = ""
        if self.process.stdin and self.process.stdout:
            with contextlib.suppress(BrokenPipeError):
                print(json.dumps(command), file=self.process.stdin, flush=True)
                line = self.process.stdout.readline() if has_answer else "null"
        if not line:
            raise UserError("a side of the benchmark has failed: see above what it says, mend that and try again")
        return json.loads(line)

    def close(self) -> None:
        if self.process.stdin:
            with contextlib.suppress(OSError):  # it may have ended already
                self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def started(settings: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, SideProcess]]:
    """The sides by name, ended in the end."""
    sides: dict[str, SideProcess] = {}
    try:
        for name, setting in settings.items():
            sides[name] = SideProcess(setting)
        yield sides
    finally:
        for side in sides.values():
            side.close()


def check_opponent(against: str | None) -> None:
    """Before anything takes its time.

    Raises:
        UserError: PyTorch is asked for and not installed.
    """
    if against and importlib.util.find_spec("torch") is None:
        raise UserError(
            "--against torch needs PyTorch, which is not installed: python -m pip install 'tinyvit[parity]'"
        )


def speed(
    config: ViTConfig,
    *,
    batch_size: int,
    rounds: int,
    workers: Workers = "auto",
    against: str | None = None,
    compiled: bool = False,
) -> tuple[dict[str, dict[str, Series]], dict[str, float]]:
    """Times by what and by side: "tinyvit", "PyTorch" and "PyTorch, compiled"; and the peak memory of each in MiB.

    Raises:
        UserError: PyTorch is not installed, or the sides do not compute the same.
    """
    names = ["tinyvit", *(["PyTorch"] if against else []), *(["PyTorch, compiled"] if against and compiled else [])]
    check_opponent(against)
    setting = {"config": config.to_dict(), "batch_size": batch_size, "workers": workers}
    settings = {name: {"side": name, **setting} for name in names}
    runs = (STEP, "inference, batch 1", f"inference, batch {batch_size}")
    seconds = {run: {name: list[float]() for name in names} for run in dict.fromkeys(runs)}
    for _ in range(LAUNCHES):
        with started(settings) as sides:
            check_same(sides)
            for run, taken in seconds.items():
                times_in_turn(sides, run, math.ceil(rounds / LAUNCHES), taken)
            memory = {name: side.ask({"memory": True}) for name, side in sides.items()}
    times = {run: {name: Series.of(taken) for name, taken in by.items()} for run, by in seconds.items()}
    times[f"{STEP}, batch {batch_size}"] = times.pop(STEP)
    imports = {name: partial(_import, PACKAGES[name]) for name in names if name in PACKAGES}
    first_steps = {name: partial(_first_step, name, settings[name]) for name in imports}
    times["import"] = in_turn(imports, max(1, rounds // 6), warm_up=1)
    times["first training step"] = in_turn(first_steps, max(1, rounds // 6), warm_up=1)
    return times, memory


def check_same(sides: Mapping[str, SideProcess]) -> None:
    """Loss and gradients of the first step, on each side.

    Raises:
        UserError: they differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = {}
        for name, side in sides.items():
            path = Path(folder) / f"{name}.safetensors"
            loss = side.ask({"gradients": str(path)})
            results[name] = {"loss": np.array(loss), **read_arrays(path)}
    (ours, *others) = results.values()
    for other in others:
        worst = max(float(np.abs(ours[key] - other[key]).max() / np.abs(ours[key]).max()) for key in ours)
        if not worst < TOLERANCE:
            raise UserError(f"tinyvit and PyTorch differ by {worst:.1e} in loss or gradients: nothing was timed")


def times_in_turn(sides: Mapping[str, SideProcess], run: str, rounds: int, seconds: dict[str, list[float]]) -> None:
    """Each side runs for a while, then the next, and so on: what slows the machine for a while slows them all.

    What each run takes is added to `seconds`.
    """
    turns = {}
    for name, side in sides.items():
        once = min(side.ask({"run": run, "times": 3}))
        turns[name] = max(2, math.ceil(TURN_SECONDS / once))
    for _ in range(rounds):
        for name, side in sides.items():
            seconds[name] += side.ask({"run": run, "times": turns[name]})[1:]  # the first run of a turn wakes threads


def _import(package: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {package}"], check=True)


def _first_step(name: str, setting: Mapping[str, Any]) -> None:
    with started({name: setting}) as sides:
        sides[name].ask({"run": STEP, "times": 1})
