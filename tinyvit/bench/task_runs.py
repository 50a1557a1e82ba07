"""Benchmark of the tasks: whole training runs of their default recipes, and what they reach on the test split."""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..config.digit_tasks import ContinualConfig
from ..config.distillation import DistillConfig
from ..config.mae import TransferConfig
from ..config.run import TrainConfig
from ..config.tasks import CONFIGS, task_config
from ..training import train
from ..training.history import History

LABELS = (100, 1000)  # on which the encoder of a masked autoencoder is fine-tuned
METHODS = ("naive", "ewc", "lwf")  # beside which replay is shown
WITHOUT_A_RUN = ("transfer",)  # tasks that begin with another's model


class TaskRun(NamedTuple):
    """A finished run of a task."""

    name: str
    seed: int
    seconds: float
    parameters: int
    measures: dict[str, float]  # on the test split


def task_runs(
    tasks: Sequence[str], seeds: Sequence[int], note: Callable[[TaskRun], None] = lambda run: None
) -> list[TaskRun]:
    """Train each task with each seed, one after the other; `note` is told of each run as it ends.

    After a masked autoencoder come four runs of `transfer`: its encoder, and random weights, on 100 and 1,000 labels;
    beside continual learning by replay, the other methods; beside distillation, the same training by labels alone.

    Raises:
        UserError: there is no such task, or as `train`.
    """
    configs = [task_config(task)() for task in tasks]
    runs = []
    for config in configs:
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                for run in _of_task(dataclasses.replace(config, seed=seed), Path(folder)):
                    runs.append(run)
                    note(run)
    return runs


def all_tasks() -> list[str]:
    """The tasks that have runs of their own, besides classification."""
    return [task for task in CONFIGS if task not in ("classify", *WITHOUT_A_RUN)]


def table(runs: Sequence[TaskRun]) -> str:
    """A Markdown table: of each kind of run its measures, mean and standard deviation over the seeds."""
    lines = ["| Run | Measure | Mean ± deviation | Seeds | Minutes | Parameters |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(run.name for run in runs):
        mine = [run for run in runs if run.name == name]
        minutes = statistics.mean(run.seconds for run in mine) / 60
        for measure in mine[0].measures:
            values = [run.measures[measure] for run in mine]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            each = ", ".join(f"{value:.4f}" for value in values)
            lines.append(
                f"| {name} | {measure} | {statistics.mean(values):.4f} ± {spread:.4f} | {each} | {minutes:.1f} | "
                f"{mine[0].parameters:,} |"
            )
    return "\n".join(lines)


def _of_task(config: TrainConfig, folder: Path) -> Iterator[TaskRun]:
    history, run = _timed(config, config.task, folder / "run")
    yield run
    if isinstance(config, ContinualConfig):
        method: Any
        for method in METHODS:
            other = dataclasses.replace(config, method=method)
            yield _timed(other, f"{config.task}, {method}", folder / method)[1]
    if isinstance(config, DistillConfig):
        yield _timed(dataclasses.replace(config, alpha=0.0), f"{config.task}, labels alone", folder / "alone")[1]
    if config.task == "mae":
        for labels in LABELS:
            for init in (str(history.folder), None):
                begins = "from mae" if init else "from random weights"
                transfer = TransferConfig(init=init, num_labels=labels, seed=config.seed, dataset=config.dataset)
                place = folder / f"{labels} {begins}"
                yield _timed(transfer, f"transfer, {labels:,} labels, {begins}", place)[1]


def _timed(config: TrainConfig, name: str, folder: Path) -> tuple[History, TaskRun]:
    started = time.perf_counter()
    history = train(dataclasses.replace(config, output=str(folder)))
    seconds = time.perf_counter() - started
    parameters = 0 if history.best is None else history.best.model.num_parameters()
    return history, TaskRun(name, config.seed, seconds, parameters, history.test.measures)
