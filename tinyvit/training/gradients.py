"""Gradients of whole batches: the protocol that the loop relies on, and one process that computes them."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from ..backend import Array, device_of, generator, to_device
from ..backend.random import BatchRows
from ..config.costs import model_costs
from ..config.run import RunConfig, TrainConfig
from ..datasets import Dataset
from ..errors import UserError
from ..layers import Layer
from ..optim import FlatArrays, flatten
from ..tasks import ALL, Batch, task_of
from ..tasks.task import TOKENS_AT_ONCE
from .state import steps_per_epoch

SAVED_BYTES = 256 * 2**20  # what the forward may keep for the backward


class GradientsLostError(UserError):
    """A process that computes a part of the gradients has died, got stuck, or met an error."""


class Gradients(Protocol):
    """Computes gradients and answers with one model: in one process (`OneProcess`), in many (`parallel.Team`), or of a
    large model in threads (`lockstep.InThreads`, `finetuning.Tuner`).
    """

    @property
    def model(self) -> Layer:
        """The model, whose parameters are in `parameters`."""
        ...

    parameters: FlatArrays  # those that learn, as one vector
    grads: FlatArrays  # of these parameters
    lr_scales: dict[str, float]  # factors of the learning rate by name; 1 for what is not named

    def compute(self, step: int) -> Array | float:
        """Fill `grads` with the gradient of step `step` of the run; returns the loss of its batch.

        Raises:
            GradientsLostError: the parameters are as they were.
        """
        ...

    def dev_answers(self, model: Any, average: FlatArrays | None) -> np.ndarray:
        """The task's answers (n, R) for the dev split, by `model`, which holds the parameters or, if given, their
        `average`.
        """
        ...

    def close(self) -> None:
        """End processes and threads; the parameters stay."""
        ...


class Part:
    """Part `index` of `count` parts of every batch: its examples forward and backward, and their gradients added up."""

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        model: Layer,
        grads: FlatArrays,
        index: int = 0,
        count: int = 1,
    ):
        self.config, self.dataset, self.model, self.grads = config, dataset, model, grads
        self.index, self.count = index, count
        self.task = task_of(config)
        self.steps_per_epoch = steps_per_epoch(config, dataset)
        self.device = device_of(grads.vector)
        self.micro_batch = config.micro_batch or _micro_batch(config, self.task.num_tokens(config), self.device)
        self._epoch, self._order = -1, np.zeros(0, np.int64)

    def compute(self, step: int) -> Array | float:
        """Fill `grads` with this part's share of the gradient of step `step`; returns its share of the loss."""
        self.grads.vector.fill(0)
        loss: Array | float = 0.0
        for batch, options in self._pieces(step):  # gradient accumulation
            piece_loss, grads = self.task.loss_and_gradients(self.config, self.model, batch, **options)
            self.grads.add(grads)
            loss = loss + options["share"] * piece_loss
        return loss

    def _pieces(self, step: int) -> Iterator[tuple[Batch, dict[str, Any]]]:
        """This part of the batch of a step in pieces, and the share, weights and chance of each."""
        config, chosen = self.config, self._chosen(step)
        weights = self.task.example_weights(config, self.dataset, chosen)  # of the whole batch
        for rows in pieces(part_rows(len(chosen), self.index, self.count), self.micro_batch):
            share, mine = part_of(weights, rows, len(chosen))
            if not share:
                continue
            rng = BatchRows(generator(config.seed, "step", step), len(chosen), rows)
            batch = self.task.batch(config, self.dataset, chosen[rows], rng)
            options = {"share": share, "weights": None if mine is None else to_device(mine, self.device), "rng": rng}
            yield tuple(to_device(array, self.device) for array in batch), options

    def _chosen(self, step: int) -> np.ndarray:
        """The training examples of the batch of a step, in the order of its epoch."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self.task.order(self.config, self.dataset, epoch)
        return self._order[position * self.config.batch_size : (position + 1) * self.config.batch_size]


class OneProcess(Part):
    """Gradients of whole batches, computed by this process alone.

    Args:
        model: its parameters are moved into one vector, `parameters`.
    """

    def __init__(self, config: TrainConfig, dataset: Dataset, model: Layer):
        self.parameters = flatten(model)
        self.lr_scales = task_of(config).lr_scales(config, list(self.parameters))
        super().__init__(config, dataset, model, FlatArrays(self.parameters))

    def dev_answers(self, model: Any, average: FlatArrays | None) -> np.ndarray:
        """The task's answers (n, R) for the dev split."""
        return self.task.answers(self.config, model, self.dataset, "dev", ALL)

    def close(self) -> None:
        """Nothing to end."""


def part_of(weights: np.ndarray | None, rows: slice, batch_size: int) -> tuple[float, np.ndarray | None]:
    """The share of a batch that the examples in `rows` are, and their weights, made to add up to one."""
    if weights is None:
        return (rows.stop - rows.start) / batch_size, None
    share = float(weights[rows].sum())
    return share, weights[rows] / share if share else weights[rows]


def part_rows(n: int, index: int, count: int) -> slice:
    """The slice of `n` rows for part `index` of `count`; lengths differ by at most one."""
    return slice(n * index // count, n * (index + 1) // count)


def pieces(rows: slice, micro_batch: int) -> Iterator[slice]:
    """`rows` in pieces of nearly equal size, none longer than `micro_batch`."""
    length = rows.stop - rows.start
    count = -(-length // micro_batch)  # rounded up
    for index in range(count):
        piece = part_rows(length, index, count)
        yield slice(rows.start + piece.start, rows.start + piece.stop)


def _micro_batch(config: RunConfig, num_tokens: int, device: str) -> int:
    """On a GPU all images at once; on the CPU no more than bring speed, and no more than fit into `SAVED_BYTES`."""
    if device != "cpu":
        return config.batch_size
    saved = 4 * sum(cost.saved for cost in model_costs(config.model).values())  # bytes per image
    return max(1, min(TOKENS_AT_ONCE // num_tokens, SAVED_BYTES // saved))
