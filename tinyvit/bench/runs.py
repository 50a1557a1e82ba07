"""Whole training runs, each in a process of its own: from the start of Python to the accuracy on the test split."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

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


class WholeRun(NamedTuple):
    """One run of one side."""

    side: str
    seed: int
    seconds: float
    accuracy: float  # percent, on the test split


def whole_runs(recipe: str, *, seeds: int, against: str | None) -> list[WholeRun]:
    """Runs of `recipe` with seeds 0, 1, ..., the sides in turn."""
    runs = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            train = ["-m", "tinyvit", "train", "--recipe", recipe, "--seed", str(seed)]
            commands = {"tinyvit": [*train, "--output", str(Path(folder) / "run")]}
            if against:
                commands["PyTorch"] = ["-m", "tinyvit.bench.torch_run", recipe, str(seed)]
            for side, command in commands.items():
                seconds, output = timed([sys.executable, *command])
                found = re.search(r"test accuracy ([\d.]+) %", output)
                runs.append(WholeRun(side, seed, seconds, float(found[1]) if found else float("nan")))
    return runs
