"""Damaged run folders by the hundred: each is gone on with, measured and read, or refused with a `UserError`.

python -m tests.fuzz.fuzz_runs [COUNT] [SEED]

A short run is made, files of its folder are removed, swapped, cut or edited at random, and every verb that reads runs is
tried on what is left. Each case has a generator of its own, made of seed and number, so what goes wrong once goes wrong
again. The tests beside it damage a few dozen runs.
"""

import collections
import dataclasses
import faulthandler
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.fuzz.fuzz_images import HOSTILE, SECONDS, broken_file, outcome, pick
from tinyvit import ViTConfig
from tinyvit.datasets import Dataset, Split
from tinyvit.evaluation.evaluate import evaluate
from tinyvit.storage.metrics import read_metrics
from tinyvit.training import TrainConfig, load_trained, resume, start, train

MAX_LENGTH = 1000  # characters of an error
CONFIG = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=1, num_heads=2)
FOREIGN = ("Thumbs.db", ".nfs0001", "@eaDir", "a note.txt", ".last.tinyvit-writing", ".best.tinyvit-old")
HUGE = (3e38, -3e38, np.nan, np.inf, 1e20, 0.0)


def dataset():
    rng = np.random.default_rng(0)
    parts = (Split(rng.integers(0, 256, (n, 1, 8, 8), np.uint8), rng.integers(0, 3, n)) for n in (24, 12, 12))
    return Dataset("mnist", tuple("abc"), 0.5, 0.3, *parts)


def good_run(folder):
    """A run of two epochs."""
    start.load_dataset = lambda *args, **kwargs: dataset()
    config = TrainConfig(CONFIG, output=str(folder), epochs=2, batch_size=8, ema_decay=0.5, device="cpu", workers=1)
    return train(config).folder


def put_something(run, rng):
    place = pick(rng, (run, run / "last", run / "best")) / pick(rng, FOREIGN)
    if place.parent.is_dir() and not place.exists():
        place.mkdir() if rng.random() < 0.5 else place.write_bytes(b"x")


def take_away(run, rng):
    path = pick(rng, sorted(run.rglob("*")))
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def half_replaced(run, rng):
    """As a kill leaves it, or somebody's own moves."""
    for name in ("last", "best"):
        if (run / name).exists() and rng.random() < 0.7:
            (run / name).rename(run / f".{name}.tinyvit-{pick(rng, ('new', 'old', 'writing'))}")


def damage_bytes(run, rng):
    path = pick(rng, [path for path in sorted(run.rglob("*")) if path.is_file()])
    path.write_bytes(broken_file(path.read_bytes() or b"x", rng))


def damage_values(run, rng):
    path = pick(rng, sorted(run.rglob("*.json")))
    values = json.loads(path.read_text())
    for _ in range(rng.integers(1, 3)):
        if values:
            values[pick(rng, list(values))] = pick(rng, HOSTILE)
    path.write_text(json.dumps(values))


def damage_numbers(run, rng):
    path = pick(rng, sorted(run.rglob("*.safetensors")))
    arrays = load_file(path)
    for name in arrays if rng.random() < 0.5 else [pick(rng, list(arrays))]:
        arrays[name] = np.full_like(arrays[name], pick(rng, HUGE))
    save_file(arrays, path, {"format": "pt"})


DAMAGES = (put_something, take_away, half_replaced, damage_bytes, damage_values, damage_numbers)


def use_run(run, rng):
    """What one does with a run.

    Raises:
        UserError: what is wrong.
    """
    read_metrics(run)
    model, preprocessing = load_trained(run)
    data = dataset()
    found = evaluate(model, data.test, dataclasses.replace(data, mean=preprocessing.mean, std=preprocessing.std))
    if not np.isfinite(found.loss):
        raise AssertionError("a loss that is no number is not told")
    history = resume(run)
    if not all(np.isfinite(list(epoch.values())).all() for epoch in history.epochs):
        raise AssertionError("numbers that are none are called results")
    if resume(run).epochs != history.epochs:
        raise AssertionError("it cannot be gone on with twice")


def fuzz(count, seed, folder):
    """How many of `count` damaged runs were "used" and "refused"; anything but a `UserError` comes through."""
    outcomes, whole = collections.Counter(), good_run(Path(folder) / "good")
    for case in range(count):
        rng = np.random.default_rng((seed, case))
        run = shutil.copytree(whole, Path(folder) / f"run {case}")
        config = json.loads((run / "config.json").read_text()) | {"output": str(run), "epochs": int(rng.integers(2, 4))}
        (run / "config.json").write_text(json.dumps(config))
        try:
            for _ in range(1 + (rng.random() < 0.2)):
                pick(rng, DAMAGES)(run, rng)
        except (ValueError, AttributeError):  # a second damage of what the first one left: one is enough
            pass
        name = f"run {case} of seed {seed}"
        outcomes[outcome(lambda run=run, rng=rng: use_run(run, rng), name, MAX_LENGTH)] += 1
        shutil.rmtree(run)
    return outcomes


def main(count=500, seed=0):
    """In pieces; a hanging one is ended."""
    outcomes = collections.Counter()
    for first in range(0, count, 50):
        faulthandler.dump_traceback_later(4 * SECONDS, exit=True)
        with tempfile.TemporaryDirectory() as folder:
            outcomes += fuzz(min(50, count - first), seed + first, folder)
    faulthandler.cancel_dump_traceback_later()
    print(f"{count} runs: {dict(outcomes)}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
