"""A team that computes the parts of each batch: this process, its workers, and perhaps other ranks of MPI."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import Array
from ...config.run import TrainConfig
from ...datasets import Dataset, Split
from ...datasets.in_threads import cores
from ...errors import UserError
from ...layers import NO_DRAWS, Layer
from ...optim import FlatArrays, flatten
from ...tasks import ALL, task_of
from ..gradients import Part, part_rows
from ..ranks import Ranks
from .memory import SharedArrays
from .workers import Worker

PATIENCE = 60.0  # seconds a worker may take longer than this process did for a part of the same size
MIN_FLOPS = 63e6  # of a forward, per worker and step: with fewer, talking costs more than it brings
MAX_WORKERS = 8


def resolve_workers(config: TrainConfig, device: str) -> int:
    """Number of workers, this process included, that share a step: the config's, or for "auto" one per core.

    Raises:
        UserError: more than one was asked for on a GPU.
    """
    if config.workers == "auto":
        if device != "cpu" or config.distributed:
            return 1
        flops = config.batch_size * task_of(config).flops(config)
        return max(1, min(cores(), MAX_WORKERS, config.batch_size, int(flops / MIN_FLOPS)))
    if device != "cpu" and config.workers != 1:
        raise UserError(f"workers share the cores of a CPU, got --workers {config.workers} on {device}: leave it out")
    return int(config.workers)


class Team:
    """`Gradients` of whole batches, and answers for the dev split, by several processes.

    Every member computes its part with the same parameters. The parts are added up in a fixed order, so the same team
    gives the same bits each time; another number of members rounds differently. With one member nothing is shared and
    no process is started.

    Args:
        model: its parameters are moved to where all can see them: `parameters`.
    """

    def __init__(self, config: TrainConfig, dataset: Dataset, model: Layer, ranks: Ranks | None = None):
        self.config, self.dataset, self.model, self.ranks = config, dataset, model, ranks or Ranks()
        self.task, self.size = task_of(config), int(config.workers)
        self._workers: list[Worker] = []
        self._memory = SharedArrays(_layout(config, dataset, model) if self.size > 1 else {})
        for name in self._memory.keys() & _dataset_arrays(dataset).keys():
            self._memory[name][...] = _dataset_arrays(dataset)[name]
        self.parameters = flatten(model, self._memory.get("parameters"))
        self.lr_scales = self.task.lr_scales(config, list(self.parameters))
        self.grads = FlatArrays(self.parameters)
        self.part = Part(config, dataset, model, self.grads, *self._place(0))

    def compute(self, step: int) -> Array | float:
        """Fill `grads` with the gradient of step `step` of the run; returns the loss.

        Raises:
            WorkerLostError: a worker has died, got stuck, or met an error. The parameters are as they were.
        """
        self._ask({"step": step})
        began = time.monotonic()
        loss = self.part.compute(step)
        for worker, answer in self._answers(time.monotonic() - began):
            loss = loss + answer["loss"]
            self.grads.vector += self._memory[f"grads {worker.index}"]
        if self.ranks.size > 1:
            total = np.array([loss], np.float64)
            self.ranks.add_up(self.grads.vector)
            self.ranks.add_up(total)
            loss = float(total[0])
        return loss

    def dev_answers(self, model: Layer, average: FlatArrays | None) -> np.ndarray:
        """The task's answers (n, R) for the dev split, by the parameters or, if given, their average; `model` holds the
        same.

        Raises:
            WorkerLostError: as for `gradients`.
        """
        if self.size == self.ranks.size == 1:
            return self.task.answers(self.config, model, self.dataset, "dev", ALL)
        if self.size > 1 and average is not None:
            self._memory["average"][...] = average.vector
        self._ask({"answer": "parameters" if average is None else "average"})
        began = time.monotonic()
        n = len(self.dataset.dev)
        answers = np.zeros((n, self.task.answer_size(self.config)), np.float32)
        mine = part_rows(n, *self._place(0))
        answers[mine] = self.task.answers(self.config, model, self.dataset, "dev", mine)
        for worker, _ in self._answers(time.monotonic() - began):
            rows = part_rows(n, *self._place(worker.index))
            answers[rows] = self._memory["answers"][rows]
        self.ranks.add_up(answers)
        return answers

    def processes(self) -> list[int]:
        """The ids of the worker processes that are at work."""
        return [worker.process.pid for worker in self._workers]

    def close(self) -> None:
        """End the workers; the parameters stay."""
        for worker in self._workers:
            worker.close()
        self._workers = []
        self._memory.close_handle()

    def _place(self, index: int) -> tuple[int, int]:
        """(index, count) of the part of the whole batch for member `index` of this rank."""
        return self.ranks.rank * self.size + index, self.ranks.size * self.size

    def _ask(self, command: dict[str, Any]) -> None:
        """Set all workers to work, and start them if this is the first time."""
        if self.size > 1 and not self._workers:
            job = {
                "config": self.config.to_dict(),
                "dataset": [self.dataset.name, self.dataset.class_names, self.dataset.mean, self.dataset.std],
                "layout": _layout(self.config, self.dataset, self.part.model),
                "handle": self._memory.handle,
            }
            for index in range(1, self.size):
                place = {"index": index, "place": self._place(index)}
                self._workers.append(Worker(index, job | place, self._memory.handle))
        for worker in self._workers:
            worker.ask(command)

    def _answers(self, own_seconds: float) -> list[tuple[Worker, dict[str, Any]]]:
        return [(worker, worker.answer(PATIENCE + 10 * own_seconds)) for worker in self._workers]


def build_worker(config: TrainConfig, memory: SharedArrays, job: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Build what a worker process does with each command, see `worker`."""
    name, class_names, mean, std = job["dataset"]
    train = Split(memory["train images"], memory["train labels"], memory.get("train taught"))
    dev = Split(memory["dev images"], memory["dev labels"])
    dataset = Dataset(name, tuple(class_names), mean, std, train, dev, test=dev)
    task = task_of(config)
    models = {kind: task.build(config, NO_DRAWS) for kind in ("parameters", "average")}
    for kind, model in models.items():
        model.adopt(FlatArrays(model.parameters(), memory[kind]))
    grads = FlatArrays(models["parameters"].parameters(), memory[f"grads {job['index']}"])
    part = Part(config, dataset, models["parameters"], grads, *job["place"])

    def work(command: dict[str, Any]) -> dict[str, Any]:
        if "step" in command:
            return {"loss": float(part.compute(command["step"]))}
        rows = part_rows(len(dev), *job["place"])
        memory["answers"][rows] = task.answers(config, models[command["answer"]], dataset, "dev", rows)
        return {}

    return work


def _layout(config: TrainConfig, dataset: Dataset, model: Layer) -> dict[str, tuple[tuple[int, ...], str]]:
    """Arrays that the processes of one machine share: parameters, gradients, data."""
    shapes: dict[str, tuple[tuple[int, ...], str]] = {
        name: (array.shape, str(array.dtype)) for name, array in _dataset_arrays(dataset).items()
    }
    for name in ("parameters", "average", *(f"grads {index}" for index in range(1, int(config.workers)))):
        shapes[name] = (model.num_parameters(),), str(model.dtype)
    shapes["answers"] = (len(dataset.dev), task_of(config).answer_size(config)), "float32"
    return shapes


def _dataset_arrays(dataset: Dataset) -> dict[str, Any]:
    arrays = {
        "train images": dataset.train.images,
        "train labels": dataset.train.labels,
        "train taught": dataset.train.taught,
        "dev images": dataset.dev.images,
        "dev labels": dataset.dev.labels,
    }
    return {name: array for name, array in arrays.items() if array is not None}
