"""Gradients of a large model by threads, with one buffer for all of them.

A batch is cut into pieces of few images, and each thread works on one: its activations are all that must be kept at
once. All threads run the backward in lockstep: the gradients of a part of the model are summed before the next part
is computed. So one gradient buffer is enough for any number of threads, and the order of summation is always the same.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from ..backend import Array
from ..config.run import TrainConfig
from ..datasets import Dataset
from ..layers import Grads
from ..optim import FlatArrays
from ..tasks import Batch
from ..tasks.classify import loss_and_parts
from ..tasks.split_answers import split_answers
from ..vit import VisionTransformer
from .gradients import OneProcess

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Forward = Callable[[Piece], tuple[Array, Iterator[Grads]]]  # its loss, and its gradients part by part


class Lockstep:
    """Threads that add up the gradients of pieces of a batch.

    Args:
        grads: where they are added up.
    """

    def __init__(self, grads: FlatArrays, threads: int):
        self.grads, self.threads = grads, threads
        self._pool = ThreadPoolExecutor(threads)

    def add(self, forward: Forward[Piece], pieces: Iterable[Piece]) -> Array | float:
        """Add the gradients of all pieces to `grads`; returns the sum of their losses."""
        loss: Array | float = 0.0
        left = iter(pieces)
        while together := list(itertools.islice(left, self.threads)):
            runs = list(self._pool.map(_quietly(forward), together))
            loss = loss + sum(piece_loss for piece_loss, _ in runs)
            for parts in self._side_by_side([parts for _, parts in runs]):
                for grads in parts:
                    self.grads.add(grads)
        return loss

    def _side_by_side(self, runs: list[Iterator[Grads]]) -> Iterator[list[Grads]]:
        """The next part of every run, computed in threads, until all have ended."""
        advance: Callable[[Iterator[Grads]], Grads | None] = _quietly(lambda run: next(run, None))
        while (parts := list(self._pool.map(advance, runs)))[0] is not None:
            yield [grads for grads in parts if grads is not None]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)


class InThreads(OneProcess):
    """Gradients of whole batches of a large classifier, by `config.workers` threads of this process in lockstep."""

    model: VisionTransformer

    def __init__(self, config: TrainConfig, dataset: Dataset, model: VisionTransformer):
        super().__init__(config, dataset, model)
        threads = int(config.workers)
        self.lockstep = Lockstep(self.grads, threads)
        self.micro_batch = min(self.micro_batch, -(-config.batch_size // threads))  # work for each of them

    def compute(self, step: int) -> Array | float:
        """Fill `grads` with the gradient of step `step` of the run; returns the loss."""
        self.grads.vector.fill(0)
        return self.lockstep.add(self._forward, self._pieces(step))

    def _forward(self, piece: tuple[Batch, dict[str, Any]]) -> tuple[Array, Iterator[Grads]]:
        batch, options = piece
        loss, parts = loss_and_parts(self.model, *batch, label_smoothing=self.config.label_smoothing, **options)
        return options["share"] * loss, parts

    def dev_answers(self, model: Any, average: FlatArrays | None) -> np.ndarray:
        """Probabilities (n, K) of the dev split."""
        return split_answers(self.task, self.config, model, self.dataset, "dev")

    def close(self) -> None:
        """End the threads."""
        self.lockstep.close()


def _quietly(function: Callable[[Piece], Result]) -> Callable[[Piece], Result]:
    """The same without NumPy's warnings, whose settings each thread has for itself: a run that diverges is known by its
    loss.
    """

    def quiet(piece: Piece) -> Result:
        with np.errstate(all="ignore"):
            return function(piece)

    return quiet
