"""`tinyvit bench --device cuda`: correctness and speed on a GPU, ours and PyTorch's, in less than ten minutes.

One part after the other, each in a process of its own, since a fault on a GPU spoils the whole process: a part that
fails, or that the time is too short for, says so, and the others go on. Times are medians by CUDA events, of `INNER`
runs at a time; beside them what the host needs to send a run.
"""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import to_numpy
from ..config import ViTConfig
from ..config.presets import preset
from ..gpu import CudaDevice, Device, FusedStep, FusedUpdate, GraphedStep
from ..optim import AdamW, FlatArrays, flatten
from ..training import train_step
from ..vit import VisionTransformer
from .gpu_timing import INNER, REPEATS, WARM_UP, Row, Size, random_batch, row_of, timed
from .runs import alone
from .runs import timed as timed_process
from .setting import LEARNING_RATE, WEIGHT_DECAY, new_model

TEN = 10  # steps of the comparison with the CPU
SEEDS = 5


def sizes() -> list[Size]:
    """Sizes of models and batches that are measured."""
    tiny, every = preset("tiny"), ("fp32", "tf32", "bf16")
    return [
        Size("17 tokens, 4 deep, 64 wide, batch 256", tiny, 256, every),
        Size("50 tokens, 6 deep, 64 wide, batch 256", dataclasses.replace(tiny, patch_size=4, depth=6), 256, every),
        Size("ViT-B/16, batch 64", preset("vit_base_patch16_224"), 64, ("tf32",)),
    ]


def bench_gpu(
    device: str, *, against: str | None, seconds: float, note: Callable[[Row], None] = lambda row: None
) -> list[Row]:
    """All parts that fit into so many seconds; `note` is called with each row as soon as there is one."""
    deadline, rows = time.monotonic() + seconds, []
    for index, (name, needs, _) in enumerate(parts(device, against)):
        left = deadline - time.monotonic()
        command = [sys.executable, "-m", "tinyvit.bench.gpu_part", device, str(against), str(index), str(left)]
        for row in alone(command, left) if left > needs else [{"skipped": f"needs {needs} s, {left:.0f} s are left"}]:
            rows.append({"part": name} | row)
            note(rows[-1])
    return rows


def parts(device: str, against: str | None) -> Iterator[tuple[str, float, Callable[[float], Iterator[Row]]]]:
    """Name, the seconds it needs at least, and what it does."""
    yield "ten steps, as on the CPU", 10, lambda left: ten_steps(lambda config: CudaDevice(config, device=device))
    yield "whole runs", 20 * SEEDS, partial(_whole_runs, device)
    for size in sizes():
        for precision in size.precisions:
            yield f"{size.name}, {precision}", 10, partial(_ours, size, precision, device)
            if against == "torch":
                yield f"{size.name}, {precision}", 30, partial(_theirs, size, precision, device)


def ten_steps(make_device: Callable[[ViTConfig], Device]) -> Iterator[Row]:
    """The losses of ten steps, twice on the device and once by NumPy's ops on the CPU, of the same batches."""
    config, batch_size = preset("tiny"), 32
    rng = np.random.default_rng(0)
    images = rng.standard_normal((TEN, batch_size, *config.input_shape)).astype(np.float32)
    labels = rng.integers(0, config.num_classes, (TEN, batch_size))
    curves = []
    for _ in range(2):
        run = FusedRun(make_device(config), new_model(config), batch_size, steps=TEN)
        for index in range(TEN):
            run.feed(images[index], labels[index])
            run()
        curves.append(to_numpy(run.update.losses))
    model = new_model(config)
    optimizer = AdamW(flatten(model), weight_decay=WEIGHT_DECAY)
    host = [float(train_step(model, optimizer, *batch, lr=LEARNING_RATE)) for batch in zip(images, labels, strict=True)]
    yield {
        "largest relative difference": float(np.abs(curves[0] / np.array(host) - 1).max()),
        "wanted": 1e-4,
        "two runs have the same bits": bool(np.array_equal(curves[0], curves[1])),
    }


class FusedRun:
    """Our training step, recorded; calling it does the next one, on the images that it was given last."""

    def __init__(self, device: Device, model: VisionTransformer, batch_size: int, *, steps: int):
        self.device = device
        arrays = {name: device.xp.asarray(array) for name, array in model.parameters().items()}
        parameters = FlatArrays(arrays)
        parameters.add(arrays)
        grads = FlatArrays(parameters)
        optimizer = AdamW(parameters, weight_decay=WEIGHT_DECAY)
        self.step = FusedStep(device, model.config, parameters, grads, batch_size=batch_size)
        self.update = FusedUpdate(device, optimizer, parameters, grads, rates=[LEARNING_RATE] * steps)
        self._images = device.xp.zeros((batch_size, *model.config.input_shape), np.float32)
        self._graph = GraphedStep(device, self._run)

    def feed(self, images: np.ndarray, labels: np.ndarray) -> None:
        self._images[...] = self.device.xp.asarray(images)
        self.step.batch.labels[...] = self.device.xp.asarray(labels.astype(np.int32))

    def _run(self) -> None:
        self.step.patchify(self._images)
        self.step.gradients()
        self.update.run(self.step.loss)

    def __call__(self) -> None:
        self._graph()

    @property
    def fallback(self) -> str | None:
        return self._graph.fallback


def _ours(size: Size, precision: str, name: str, left: float) -> Iterator[Row]:
    device = CudaDevice(size.config, precision=precision, device=name)
    run = FusedRun(device, new_model(size.config), size.batch_size, steps=INNER * REPEATS + WARM_UP)
    images, labels = random_batch(size)
    run.feed(images, labels)
    events, cupy = device.xp.cuda, device.xp

    def mark() -> Any:
        event = events.Event()
        event.record()
        return event

    device_times, host_times = timed(
        run, mark, lambda: cupy.cuda.Device().synchronize(), lambda one, two: events.get_elapsed_time(one, two) / 1000
    )
    if run.fallback is None:  # it was sent once as it is, and once to be recorded
        yield row_of("tinyvit", device_times, host_times) | {"launches": device.launches // 2}
    else:
        yield row_of(f"tinyvit, not recorded ({run.fallback})", device_times, host_times)


def _theirs(size: Size, precision: str, device: str, left: float) -> Iterator[Row]:
    from .torch_gpu import torch_rows

    yield from torch_rows(size, precision, device, left)


def _whole_runs(device: str, left: float) -> Iterator[Row]:
    """`tinyvit train` from the start of the process to its end."""
    for seed in range(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            output = str(Path(folder) / "run")
            command = [sys.executable, "-m", "tinyvit", "train", "--device", device, "--seed", str(seed)]
            seconds, _ = timed_process([*command, "--output", output])
            report = (Path(output) / "report.txt").read_text(encoding="utf-8")
            yield {"side": f"seed {seed}", "seconds": round(seconds, 2), "result": report.splitlines()[0]}
