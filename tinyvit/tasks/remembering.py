"""A classifier that remembers earlier tasks: what it was, which weights mattered, how good it was.

All of it stands in parameters whose gradient is always zero. An optimizer does not move them (a vector has no weight
decay), and checkpoints, worker processes and resuming carry them as they carry weights.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend import Array, array_module, generator, like, to_device, to_numpy
from ..config import ViTConfig
from ..datasets import Dataset, normalize
from ..layers import NO_DRAWS, Grads, Layer, Linear, prefixed
from ..ops import (
    cross_entropy_backward,
    cross_entropy_forward,
    distillation_backward,
    distillation_forward,
    softmax_forward,
)
from ..vit import VisionTransformer

FISHER_IMAGES = 300  # of each task
TEMPERATURE = 2.0  # of distillation
MEMORY = "memory."  # in front of the parameters that are not learned


class Memory(Layer):
    """Of earlier tasks, zeros at the beginning."""

    def __init__(self, num_classes: int, tasks: int, num_weights: int):
        self.seen: Array = np.zeros(num_classes, np.float32)  # 1 for their classes
        self.matrix: Array = np.zeros(tasks * tasks, np.float32)  # accuracies on dev, a row after each task
        self.anchor: Array = np.zeros(num_weights, np.float32)  # the weights after the last one
        self.fisher: Array = np.zeros(num_weights, np.float32)  # how much each weight mattered


class Learner(Layer):
    """images (B, C, H, W) -> logits (B, K), of an encoder and a head; and a memory.

    Args:
        method: of `ContinualConfig`; only ewc and lwf remember weights.
    """

    def __init__(self, config: ViTConfig, *, tasks: int, method: str, rng: Any):
        self.config = config
        self.encoder = VisionTransformer(dataclasses.replace(config, num_classes=0), rng=rng)
        self.head = Linear(config.num_pooled, config.num_classes, rng=rng)
        self.memory = Memory(config.num_classes, tasks, self.num_parameters() if method in ("ewc", "lwf") else 1)

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, tuple[Any, Any]]:
        features, encoder = self.encoder.forward(x, rng=rng)  # (B, D)
        logits, head = self.head.forward(features)
        return logits, (encoder, head)

    def backward(self, dy: Array, saved: tuple[Any, Any]) -> tuple[Array, Grads]:
        encoder, head = saved
        dfeatures, dhead = self.head.backward(dy, head)
        dx, dencoder = self.encoder.backward(dfeatures, encoder)
        unmoved = {name: array_module(dy).zeros_like(array) for name, array in self.memory.parameters().items()}
        return dx, prefixed("encoder", dencoder) | prefixed("head", dhead) | prefixed("memory", unmoved)

    def predict(self, x: Array) -> Array:
        """(B, C, H, W) -> (B, K)."""
        return self.head.forward(self.encoder.predict(x))[0]

    def learned(self) -> dict[str, Array]:
        """The parameters but for the memory."""
        return {name: array for name, array in self.parameters().items() if not name.startswith(MEMORY)}

    def by_name(self, vector: Array) -> dict[str, Array]:
        """Parts of the memory's `vector`, a number for each weight, in the shapes of the weights."""
        parts, start = {}, 0
        for name, array in self.learned().items():
            parts[name] = vector[start : start + array.size].reshape(array.shape)
            start += array.size
        return parts


def penalty(model: Learner) -> tuple[Array, Grads]:
    """EWC's term, 1/2 Σ fisher (weights - anchor)², 0-d, and its gradient: 0 before the first task has ended."""
    total: Any = 0.0
    grads, anchor, fisher = {}, model.by_name(model.memory.anchor), model.by_name(model.memory.fisher)
    for name, weight in model.learned().items():
        moved = weight - anchor[name]
        grads[name] = fisher[name] * moved
        total = total + 0.5 * (grads[name] * moved).sum()
    return total, grads


def old_answers(model: Learner, images: Array, logits: Array, weights: Array | None) -> tuple[Array | float, Array]:
    """LwF's term: how far `logits` (B, K) of earlier classes are from what the model of before says; and dlogits."""
    old = np.flatnonzero(to_numpy(model.memory.seen))
    if not len(old):
        return 0.0, array_module(logits).zeros_like(logits)
    teacher = Learner(model.config, tasks=1, method="", rng=NO_DRAWS)
    teacher.adopt(model.by_name(model.memory.anchor) | prefixed("memory", teacher.memory.parameters()))
    return without_forgetting(logits, teacher.predict(images)[:, : int(old[-1]) + 1], weights)  # classes come in order


def without_forgetting(logits: Array, said_before: Array, weights: Array | None) -> tuple[Array, Array]:
    """LwF's term for `logits` (B, K), whose first columns are the classes `said_before` (B, k): 0-d, and dlogits."""
    known = said_before.shape[1]
    loss, saved = distillation_forward(
        logits[:, :known], teacher_logits=said_before, temperature=TEMPERATURE, weights=weights
    )
    dlogits = array_module(logits).zeros_like(logits)
    dlogits[:, :known] = distillation_backward(1.0, saved)
    return loss, dlogits


def consolidate(
    model: Learner, config: Any, dataset: Dataset, task: int, classes: Any, rows: np.ndarray, accuracies: np.ndarray
) -> None:
    """Write into the memory what is to stay of a task: its classes, accuracies and, where they are used, weights.

    Args:
        task: its index.
        classes: of the task.
        rows: of its training images.
        accuracies: on the dev split of each task, (T,).
    """
    memory, T = model.memory, len(accuracies)
    memory.matrix[task * T : (task + 1) * T] = like(accuracies.astype(np.float32), memory.matrix)
    memory.seen[list(classes)] = 1
    if config.method in ("ewc", "lwf"):
        _write(memory.anchor, model.learned())
    if config.method == "ewc":
        rng = generator(config.seed, "fisher", task)
        images = dataset.train.images[rng.choice(rows, min(FISHER_IMAGES, len(rows)), replace=False)]
        memory.fisher += fisher(model, normalize(images, dataset.mean, dataset.std, model.dtype), rng)


def fisher(model: Learner, images: np.ndarray, rng: np.random.Generator) -> Array:
    """Diagonal of the Fisher information: mean square of each weight's gradient, (P,), image by image.

    Labels are drawn from what the model says: with the true ones it would be another matrix, and the square of a
    batch's gradient would be another still.
    """
    total = array_module(model.memory.fisher).zeros_like(model.memory.fisher)
    for image in images:
        logits, saved = model.forward(to_device(image[None], model.device))
        probs = to_numpy(softmax_forward(logits)[0])[0].astype(np.float64)
        label = np.array([rng.choice(len(probs), p=probs / probs.sum())])
        _, loss_saved = cross_entropy_forward(logits, labels=to_device(label, model.device))
        _, grads = model.backward(cross_entropy_backward(1.0, loss_saved), saved)
        square = array_module(total).empty_like(total)
        _write(square, {name: grads[name] for name in model.learned()})
        total += square * square / len(images)
    return total


def _write(vector: Array, arrays: Mapping[str, Array]) -> None:
    """Copy arrays into a vector, one behind the other."""
    start = 0
    for array in arrays.values():
        vector[start : start + array.size] = array.reshape(-1)
        start += array.size
