"""Benchmarks in a process of their own: above all whole training runs, from the start of Python to the accuracy."""

import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..config.run import RunConfig
from ..errors import UserError


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds that a command takes as a process of its own, and what it prints.

    Raises:
        UserError: it fails.
    """
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise UserError(f"a benchmark process failed: {done.stderr.strip().splitlines()[-1]}; mend that and try again")
    return seconds, done.stdout


def alone(command: list[str], seconds: float) -> Iterator[dict[str, Any]]:
    """The rows that a process prints, one JSON line each; the last one says so if it fails, or takes too long.

    Whatever ends this, Ctrl-C too, the process and all that it has started are gone.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        began, watch = time.monotonic(), threading.Timer(seconds, _kill, (process,))
        watch.start()
        try:
            for line in process.stdout or ():
                yield json.loads(line)
            process.wait()
        finally:
            watch.cancel()
            _kill(process)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    if process.returncode and time.monotonic() - began >= seconds:
        yield {"error": f"stopped after {seconds:.0f} s"}
    elif process.returncode:
        yield {"error": said[-1] if said else f"it ended with status {process.returncode} and said nothing"}


def _kill(process: subprocess.Popen[str]) -> None:
    if hasattr(os, "killpg"):  # not on Windows
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


class WholeRun(NamedTuple):
    """One run of one side."""

    side: str
    seed: int
    seconds: float
    accuracy: float  # percent, on the test split


def check_twin(config: RunConfig) -> None:
    """Check that PyTorch's run, `torch_run`, can train as a config says.

    Raises:
        UserError: it sets what that has not.
    """
    plain = RunConfig()
    for name in ("opt", "label_smoothing", "class_weights", "ema_decay"):
        if (value := getattr(config, name)) != getattr(plain, name):
            raise UserError(
                f"PyTorch's run has no {name.replace('_', '-')} {value}: put it beside another recipe, such as default"
            )


def whole_runs(recipe: str, *, seeds: int, baseline: str | None = None, against: str | None = None) -> list[WholeRun]:
    """Runs of `recipe` with seeds 0, 1, ..., and in turn with them those of a `baseline`, another recipe.

    Against PyTorch, its runs come in turn too: of the baseline, if there is one.
    """
    runs = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            sides = {"tinyvit": recipe} | ({f"tinyvit, {baseline}": baseline} if baseline else {})
            commands = {side: train_command(name, seed, Path(folder) / name) for side, name in sides.items()}
            if against:
                commands["PyTorch"] = ["tinyvit.bench.torch_run", baseline or recipe, str(seed)]
            runs += [whole_run(side, seed, command) for side, command in commands.items()]
    return runs


def train_command(recipe: str, seed: int, folder: Path, flags: Sequence[str] = ()) -> list[str]:
    """Module and arguments of a run of tinyvit's; `flags` change its recipe."""
    return ["tinyvit", "train", "--recipe", recipe, *flags, "--seed", str(seed), "--output", str(folder)]


def whole_run(side: str, seed: int, command: Sequence[str]) -> WholeRun:
    """One run as a process of its own, of which the command names a module and its arguments.

    Raises:
        UserError: it fails.
    """
    seconds, output = timed([sys.executable, "-m", *command])
    found = re.search(r"test accuracy ([\d.]+) %", output)
    return WholeRun(side, seed, seconds, float(found[1]) if found else float("nan"))


def time_ratios(runs: Sequence[WholeRun]) -> dict[str, float]:
    """Time of the first side over that of each other, by the other's name: the median over the seeds."""
    seconds = {(run.side, run.seed): run.seconds for run in runs}
    first, *others = dict.fromkeys(run.side for run in runs)
    seeds = sorted({run.seed for run in runs})
    return {side: statistics.median(seconds[first, seed] / seconds[side, seed] for seed in seeds) for side in others}
