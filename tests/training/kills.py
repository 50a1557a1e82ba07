"""Kill a run at random moments, resume it each time, and compare its weights with those of a run nobody disturbed.

    python tests/training/kills.py 100

Prints what happened and exits with 1 if a single bit differs. The tests call `kill_and_compare` with fewer kills.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import small_run
from safetensors.numpy import load_file

SCRIPT = Path(small_run.__file__)


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), "train", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    if process.returncode:
        raise RuntimeError(f"the run ended with {process.returncode}:\n{output}")
    return output


def weights(run: Path, name: str) -> dict[str, np.ndarray]:
    """Everything a checkpoint holds: weights, optimizer state, averages."""
    files = ["model.safetensors"] + (["training_state.safetensors"] if name == "last" else [])
    return {f"{file}/{key}": value for file in files for key, value in load_file(run / name / file).items()}


def kill_and_compare(folder: Path, kills: int, seed: int = 0) -> tuple[int, list[str]]:
    """Returns how many kills found the run at work, and the arrays that differ in the end (none, one hopes)."""
    rng = random.Random(seed)
    undisturbed, disturbed = folder / "undisturbed", folder / "disturbed"
    began = time.monotonic()
    finish(start("--output", str(undisturbed), *small_run.RUN))
    longest = time.monotonic() - began

    done, rounds = 0, 0
    arguments = ["--output", str(disturbed), *small_run.RUN]
    while done < kills:
        process = start(*arguments)
        time.sleep(rng.uniform(0.25, 1.0) * longest)
        process.kill()
        process.communicate()
        if process.returncode == 0:  # it had finished: begin anew, there are kills left
            differing = compare(undisturbed, disturbed)
            if differing:
                return done, differing
            rounds += 1
            disturbed = folder / f"disturbed-{rounds}"
            arguments = ["--output", str(disturbed), *small_run.RUN]
            continue
        done += 1
        if (disturbed / "config.json").exists():
            arguments = ["--resume", str(disturbed)]
    finish(start(*arguments))
    return done, compare(undisturbed, disturbed)


def compare(one: Path, other: Path) -> list[str]:
    differing = []
    for name in ("last", "best"):
        left, right = weights(one, name), weights(other, name)
        differing += [key for key in left.keys() | right.keys() if not np.array_equal(left.get(key), right.get(key))]
    if (one / "metrics.csv").read_text() != (other / "metrics.csv").read_text():
        differing.append("metrics.csv")
    return differing


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        killed, differing = kill_and_compare(Path(folder), number)
    print(f"{killed} kills; arrays that differ in the end: {', '.join(differing) or 'none'}")
    sys.exit(1 if differing else 0)
