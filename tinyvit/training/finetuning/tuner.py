"""Gradients for fine-tuning: the trainable parameters, and a large model's step in little memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...backend import Array, device_of, generator, to_device
from ...backend.random import BatchRows
from ...config.costs import model_costs
from ...config.run import FinetuneConfig
from ...datasets import Dataset
from ...layers import Grads, Recompute
from ...ops import OPS
from ...optim import FlatArrays, flatten
from ...optim.layer_decay import BEHIND_THE_BLOCKS, lr_scales
from ...tasks import task_of
from ...tasks.class_weights import example_weights
from ...tasks.remembering import without_forgetting
from ...tasks.split_answers import split_answers
from ...vit import VisionTransformer
from ..gradients import part_of, pieces
from ..lockstep import Lockstep
from .batches import ImageBatches

SAVED_BYTES = 192 * 2**20  # what each thread may keep for the backward
RECOMPUTE_BYTES = SAVED_BYTES // 4  # the same where memory is short: with `recompute`
MAX_IMAGES = 16  # in a piece: more are no faster


class Tuner:
    """`Gradients` of a large model: of whole batches of images that come from files, in threads.

    Args:
        model: its trainable parameters are moved into one vector, `parameters`.
        batches: makes the images (B, C, H, W) and the labels of a step.
        threads: how many work on the CPU at a time.
        teacher: the model of before, whose classes, the first ones, are not to be forgotten.
    """

    def __init__(
        self,
        config: FinetuneConfig,
        dataset: Dataset,
        model: VisionTransformer,
        batches: ImageBatches,
        threads: int,
        teacher: VisionTransformer | None = None,
    ):
        self.teacher = teacher
        self.config, self.dataset, self.model, self.batches = config, dataset, model, batches
        self.task = task_of(config)
        self.loss = OPS["binary_cross_entropy" if dataset.multi_label else "cross_entropy"]
        self.first_block = first_block(config)
        self.parameters = flatten(model, wanted=lambda name: learns(name, self.first_block, config.model.depth))
        self.grads = FlatArrays(self.parameters)
        self.lr_scales = lr_scales(self.parameters, config.layer_decay, config.model.depth)
        self.device = device_of(self.grads.vector)
        self.threads = threads if self.device == "cpu" else 1
        for index, block in enumerate(model.blocks):
            if config.recompute or index < self.first_block:  # a block that does not learn need keep nothing
                model.blocks[index] = Recompute(block)  # type: ignore[call-overload]  # stands in for it
        self.micro_batch = config.micro_batch or _micro_batch(config, self.first_block, self.threads)
        self.lockstep = Lockstep(self.grads, self.threads)

    def compute(self, step: int) -> Array | float:
        """Fill `grads` with the gradient of step `step` of the run; returns the loss.

        Raises:
            UserError: an image cannot be read any more.
        """
        images, labels = self.batches.take(step)
        self.grads.vector.fill(0)
        weights = example_weights(self.config, labels)  # of the whole batch
        whole = slice(0, len(images))
        counting = [rows for rows in pieces(whole, self.micro_batch) if part_of(weights, rows, len(images))[0]]
        return self.lockstep.add(lambda rows: self._forward(step, images, labels, weights, rows), counting)

    def _forward(
        self, step: int, images: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, rows: slice
    ) -> tuple[Array, Iterator[Grads]]:
        """The loss of some of a batch's images, times their share, and the gradients part by part, when asked for."""
        x, wanted = (to_device(array[rows], self.device) for array in (images, labels))
        rng: Any = BatchRows(generator(self.config.seed, "step", step), len(images), rows)
        logits, saved = self.model.forward(x, rng=rng)
        share, mine = part_of(weights, rows, len(images))
        options = {} if mine is None else {"weights": to_device(mine, self.device)}
        smoothing = self.config.label_smoothing
        loss, loss_saved = self.loss.forward(logits, labels=wanted, label_smoothing=smoothing, **options)
        dlogits = self.loss.backward(share, loss_saved)
        if self.teacher is not None:
            more, dmore = without_forgetting(logits, self.teacher.predict(x), options.get("weights"))
            loss, dlogits = loss + more, dlogits + share * dmore
        parts = self.model.backward_parts(dlogits, saved)
        return share * loss, self._trainable(parts)

    def _trainable(self, parts: Iterator[tuple[Array, Grads]]) -> Iterator[Grads]:
        """Trainable parameters' gradients of each part, down to the lowest part that has any."""
        left = len(self.grads)
        for _, grads in parts:
            wanted = {name: grad for name, grad in grads.items() if name in self.grads}
            yield wanted
            left -= len(wanted)
            if not left:
                return

    def dev_answers(self, model: VisionTransformer, average: FlatArrays | None) -> np.ndarray:
        """Probabilities (n, K) of the dev split."""
        return split_answers(self.task, self.config, model, self.dataset, "dev")

    def close(self) -> None:
        """End the threads; the parameters stay."""
        self.batches.close()
        self.lockstep.close()


def first_block(config: FinetuneConfig) -> int:
    """The lowest block that learns; 0: the embedding does too; depth: none does."""
    depth = config.model.depth
    return {"all": 0, "last": max(0, depth - config.last_blocks), "head": depth}[config.tune]


def learns(name: str, first_block: int, depth: int) -> bool:
    """Whether a parameter learns when the blocks below `first_block` do not."""
    if name.startswith("blocks."):
        return int(name.split(".")[1]) >= first_block
    if name.startswith("head."):
        return True
    return first_block < depth if name.startswith(BEHIND_THE_BLOCKS) else first_block == 0


def _micro_batch(config: FinetuneConfig, first_block: int, threads: int) -> int:
    """Images per forward and backward: as many as a thread can keep the activations of, and enough for all threads."""
    model = config.model
    saved = 4 * sum(cost.saved for cost in model_costs(model).values())  # bytes per image
    blocks = 1 if config.recompute else max(1, model.depth - first_block)
    inputs = 4 * model.depth * model.num_tokens * model.embed_dim
    may_keep = RECOMPUTE_BYTES if config.recompute else SAVED_BYTES
    fits = int(may_keep // (saved * blocks / max(1, model.depth) + inputs))
    return max(1, min(MAX_IMAGES, fits, -(-config.batch_size // threads)))
