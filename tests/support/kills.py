"""Kill a run at random steps, resume it each time, and compare its weights with those of a run nobody disturbed.

    python -m tests.support.kills 100

Half of the kills hit a run without workers, half one with a worker. Prints what happened and exits with 1 if a single
bit differs, or if a checkpoint that was once there is lost. The tests call `kill_and_compare` with fewer kills.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file

from tests.support import environment, small_run
from tinyvit.datasets import Dataset, Split
from tinyvit.storage.files import current_folder
from tinyvit.training import TrainConfig, resume, start, train

EPOCHS, STEPS, BATCH_SIZE = 3, 20, 5  # so many steps per epoch


def noise_dataset() -> Dataset:
    """Nothing to learn, but here at once: reading MNIST takes longer than the whole run."""
    rng = np.random.default_rng(0)
    train, dev, test = (Split(rng.integers(0, 256, (n, 1, 28, 28), np.uint8), rng.integers(0, 10, n)) for n in (STEPS * BATCH_SIZE, 40, 40))  # fmt: skip
    return Dataset("noise", tuple("0123456789"), 0.5, 0.29, train, dev, test)


def run(verb: str, folder: str, workers: str) -> None:
    """What the process to be killed does; a checkpoint is written after every step."""
    dataset = noise_dataset()
    start.load_dataset = lambda *args, **kwargs: dataset
    if verb == "resume":
        resume(folder)
    else:
        train(
            TrainConfig(
                small_run.SMALL_MODEL,
                output=folder,
                epochs=EPOCHS,
                batch_size=BATCH_SIZE,
                ema_decay=0.9,
                device="cpu",
                workers=int(workers),
                checkpoint_seconds=0.0,
            )
        )


def begin(folder: Path, workers: int) -> subprocess.Popen[str]:
    """Begin the run in `folder`, or go on with it."""
    verb = "resume" if (folder / "config.json").exists() else "train"
    command = [sys.executable, "-m", "tests.support.kills", verb, str(folder), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())


def finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=120)
    if process.returncode:
        raise RuntimeError(f"the run ended with {process.returncode}:\n{output}")


def saved_step(folder: Path) -> int:
    """Of the newest complete checkpoint; 0 before the first one. A folder may be renamed while it is looked at."""
    for _ in range(100):
        try:
            return int(json.loads((current_folder(folder / "last") / "training_state.json").read_text())["step"])
        except FileNotFoundError:
            pass
    return 0


class Result(NamedTuple):
    kills: int
    in_an_epoch: int  # so many of them left a checkpoint from the middle of an epoch
    differing: list[str]  # what is not as in the undisturbed run, or was lost on the way (nothing, one hopes)

    def __str__(self) -> str:
        differing = ", ".join(self.differing) or "nothing"
        return f"{self.kills} kills, {self.in_an_epoch} in the middle of an epoch; what differs: {differing}"


def kill_and_compare(folder: Path, kills: int, *, workers: int = 1, seed: int = 0) -> Result:
    """Kill a run when its checkpoints have reached some step; when it gets to its end all the same, begin another."""
    rng = random.Random(seed)
    undisturbed = folder / "undisturbed"
    finish(begin(undisturbed, workers))
    done, in_an_epoch, rounds = 0, 0, 0
    while True:
        disturbed = folder / f"disturbed-{rounds}"
        while done < kills:
            reached = saved_step(disturbed)
            target = reached + rng.randint(0, max(6, EPOCHS * STEPS // kills))
            process = begin(disturbed, workers)
            while process.poll() is None and (reached < target or not disturbed.exists()):
                time.sleep(0.001)
                reached = max(reached, saved_step(disturbed))
            time.sleep(rng.uniform(0, 0.02))  # anywhere in the step, or in the writing of the next checkpoint
            process.kill()
            process.communicate()
            if process.returncode == 0:
                break  # there is nothing left to kill
            done += 1
            kept = saved_step(disturbed)
            in_an_epoch += kept % STEPS > 0
            if kept < reached:
                return Result(done, in_an_epoch, [f"step {kept} instead of {reached}"])
        finish(begin(disturbed, workers))
        differing = compare(undisturbed, disturbed)
        if done == kills or differing:
            return Result(done, in_an_epoch, differing)
        rounds += 1


def weights(run: Path, name: str) -> dict[str, np.ndarray]:
    """Everything a checkpoint holds: weights, optimizer state, averages."""
    files = ["model.safetensors"] + (["training_state.safetensors"] if name == "last" else [])
    return {f"{file}/{key}": value for file in files for key, value in load_file(run / name / file).items()}


def compare(one: Path, other: Path) -> list[str]:
    differing = []
    for name in ("last", "best"):
        left, right = weights(one, name), weights(other, name)
        differing += [key for key in left.keys() | right.keys() if not np.array_equal(left.get(key), right.get(key))]
    if (one / "metrics.csv").read_text() != (other / "metrics.csv").read_text():
        differing.append("metrics.csv")
    return differing


def main(number: int) -> int:
    results = []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            results.append(kill_and_compare(Path(folder), number // 2, workers=workers))
        print(f"--workers {workers}: {results[-1]}", flush=True)
    return int(any(result.differing for result in results))


if __name__ == "__main__":
    if sys.argv[1:2] in (["train"], ["resume"]):
        run(*sys.argv[1:])
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
