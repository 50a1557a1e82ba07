"""What one process does of each batch: its images forward and backward, their gradients added up."""

from collections.abc import Iterator

import numpy as np

from ...backend import Array, device_of, generator, to_device
from ...config.costs import model_costs
from ...datasets import Dataset, epoch_order
from ...optim import FlatArrays
from ...vit import VisionTransformer
from ..batch import steps_per_epoch, training_batch
from ..class_weights import example_weights, part_of
from ..config import TrainConfig
from ..step import loss_and_gradients

MICRO_TOKENS = 2200  # more at once are no faster on a CPU: they no longer fit into its cache
SAVED_BYTES = 256 * 2**20  # what the forward may keep for the backward


class BatchRows:
    """Random numbers for some images of a batch, as if they had been drawn for all of it: what happens to an image
    does not depend on how the batch is cut up. Stands in for a `np.random.Generator` where the first axis is images.
    """

    def __init__(self, rng: np.random.Generator, batch_size: int, rows: slice):
        self.rng, self.batch_size, self.rows = rng, batch_size, rows

    def random(self, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.random((self.batch_size, *size[1:]))[self.rows]

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.uniform(low, high, (self.batch_size, *size[1:]))[self.rows]

    def integers(self, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.integers(low, high, (self.batch_size, *size[1:]))[self.rows]


def part_rows(n: int, index: int, count: int) -> slice:
    """Which of `n` things are those of part `index` of `count`: all are somebody's, and the parts are nearly equal."""
    return slice(n * index // count, n * (index + 1) // count)


class Part:
    """Part `index` of `count` parts of every batch: a model to compute with, and where its gradients go."""

    def __init__(
        self, config: TrainConfig, dataset: Dataset, model: VisionTransformer, grads: FlatArrays, index: int, count: int
    ):
        self.config, self.dataset, self.model, self.grads = config, dataset, model, grads
        self.index, self.count = index, count
        self.steps = steps_per_epoch(config, dataset)
        self.device = device_of(grads.vector)
        self.micro_batch = config.micro_batch or _micro_batch(config, self.device)
        self._epoch, self._order = -1, np.zeros(0, np.int64)

    def gradients(self, step: int) -> Array | float:
        """Fill `grads` with this part's share of the gradient of step `step`; returns its share of the loss."""
        epoch, position = divmod(step, self.steps)
        if epoch != self._epoch:
            order = epoch_order(len(self.dataset.train), seed=self.config.seed, epoch=epoch)
            self._epoch, self._order = epoch, order
        batch_size = self.config.batch_size
        chosen = self._order[position * batch_size : (position + 1) * batch_size]
        self.grads.vector.fill(0)
        loss: Array | float = 0.0
        weights = example_weights(self.config, self.dataset.train.labels[chosen])  # of the whole batch
        for rows in self._pieces(len(chosen)):
            share, mine = part_of(weights, rows, len(chosen))
            if not share:
                continue
            rng = BatchRows(generator(self.config.seed, "step", step), len(chosen), rows)
            images, labels = training_batch(self.config, self.dataset, chosen[rows], rng)
            mean_loss, grads = loss_and_gradients(
                self.model,
                to_device(images, self.device),
                to_device(labels, self.device),
                label_smoothing=self.config.label_smoothing,
                share=share,
                weights=None if mine is None else to_device(mine, self.device),
                rng=rng,
            )
            self.grads.add(grads)
            loss = loss + share * mean_loss
        return loss

    def _pieces(self, n: int) -> Iterator[slice]:
        """This part's rows of a batch of `n`, in pieces of nearly equal size and no more than are worked on at once."""
        mine = part_rows(n, self.index, self.count)
        length = mine.stop - mine.start
        count = -(-length // self.micro_batch)  # rounded up
        for index in range(count):
            piece = part_rows(length, index, count)
            yield slice(mine.start + piece.start, mine.start + piece.stop)


def _micro_batch(config: TrainConfig, device: str) -> int:
    """On a GPU all images at once; on the CPU no more than bring speed, and no more than fit into `SAVED_BYTES`."""
    if device != "cpu":
        return config.batch_size
    saved = 4 * sum(cost.saved for cost in model_costs(config.model).values())  # bytes per image
    return max(1, min(MICRO_TOKENS // config.model.num_tokens, SAVED_BYTES // saved))
