"""Ten training runs for lesson 19, each with one fault. Who reads on knows what ails them before having examined them.

Each is a small ViT and its few seconds of training on MNIST, and differs from the healthy run in one thing alone.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ..config import PRESETS
from ..datasets import load_dataset
from ..layers import Grads, LayerNorm
from ..ops import LayerNormSaved, cross_entropy_backward, cross_entropy_forward
from ..optim import AdamW
from ..vit import FeaturesSaved, VisionTransformer

CONFIG = dataclasses.replace(PRESETS["tiny"], embed_dim=32, depth=2, init_std=0.15)
STEPS, BATCH, WARMUP = 300, 32, 30


class TermMissing(LayerNorm):
    """Layer norm whose backward leaves out the way through the standard deviation."""

    def backward(self, dy: np.ndarray, saved: LayerNormSaved) -> tuple[np.ndarray, Grads]:
        dx, grads = super().backward(dy, saved)
        x_hat, rstd, weight = saved
        dx_hat = (dy * weight).reshape(x_hat.shape)
        return dx + (rstd * x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)).reshape(dy.shape), grads


class WithTermMissing(VisionTransformer):
    def __init__(self, config: Any, *, rng: Any = None):
        super().__init__(config, rng=rng)
        for block in self.blocks:
            block.norm1, block.norm2 = TermMissing(config.embed_dim), TermMissing(config.embed_dim)


class WithoutPositions(VisionTransformer):
    def __init__(self, config: Any, *, rng: Any = None):
        super().__init__(dataclasses.replace(config, pos_embed="sincos2d"), rng=rng)
        self.sincos = np.zeros_like(self.sincos)


class StopsEarly(VisionTransformer):
    """A ViT whose gradients go no further down than through the last block."""

    def _encode_backward(self, dx: np.ndarray, saved: FeaturesSaved) -> Iterator[tuple[np.ndarray, Grads]]:
        for number, (d, grads) in enumerate(super()._encode_backward(dx, saved)):
            arrives = number < 2  # norm, last block
            yield d * arrives, {name: grad * arrives for name, grad in grads.items()}


@dataclasses.dataclass(frozen=True)
class Setup:
    """The parts of a run; the defaults are those of the healthy one."""

    lr: float = 5e-3
    weight_decay: float = 0.05
    num_images: int = 10_000
    model: type[VisionTransformer] = VisionTransformer
    labels_of: Callable[[np.ndarray, np.random.Generator], np.ndarray] = lambda labels, rng: labels
    in_order: Callable[[np.ndarray], np.ndarray] = lambda labels: np.arange(len(labels))  # of the images drawn
    dev_images_of: Callable[[np.ndarray], np.ndarray] = lambda images: images


SETUPS = {
    "healthy": Setup(),
    "A": Setup(in_order=lambda labels: np.argsort(labels, kind="stable")),
    "B": Setup(weight_decay=10.0),
    "C": Setup(dev_images_of=lambda images: images.swapaxes(2, 3)),
    "D": Setup(lr=3e-6),
    "E": Setup(model=WithTermMissing),
    "F": Setup(num_images=100),
    "G": Setup(lr=0.1),
    "H": Setup(labels_of=lambda labels, rng: rng.permutation(labels)),
    "I": Setup(model=StopsEarly),
    "J": Setup(model=WithoutPositions),
}
DIAGNOSES = {
    "A": "not shuffled",
    "B": "weight decay too strong",
    "C": "dev images differ",
    "D": "rate too low",
    "E": "wrong backward",
    "F": "too few images",
    "G": "rate too high",
    "H": "wrong labels",
    "I": "gradient stops",
    "J": "no positions",
}


class Patient:
    """A run that is over, and all that a doctor may ask for.

    `losses` (300,) of its steps; `before` and `after`, its model then and now; `batch(step)`, the images
    (32, 1, 28, 28) and labels (32,) that its loop took; `gradients(step)`, by name, of that batch now; `dev_images`
    (1000, 1, 28, 28) and `dev_labels` (1000,), as its evaluation takes them.
    """

    def __init__(self, setup: Setup):
        data, rng = load_dataset("mnist"), np.random.default_rng(19)
        self._pixels, self._scale = data.train.images[: setup.num_images], (data.mean, data.std)
        self._labels = setup.labels_of(data.train.labels[: setup.num_images], rng)
        drawn = np.concatenate(
            [rng.permutation(setup.num_images) for _ in range(-(-STEPS * BATCH // setup.num_images))]
        )
        drawn = drawn[: STEPS * BATCH]
        self._order = drawn[setup.in_order(self._labels[drawn])].reshape(STEPS, BATCH)
        self.dev_images = setup.dev_images_of(self._normalised(data.dev.images[:1000]))
        self.dev_labels = data.dev.labels[:1000]
        self.before = setup.model(CONFIG, rng=np.random.default_rng(1))
        self.after = copy.deepcopy(self.before)
        self.losses = np.array([*self._train(setup)])

    def _train(self, setup: Setup) -> Iterator[float]:
        optimizer = AdamW(self.after.parameters(), weight_decay=setup.weight_decay)
        for step in range(STEPS):
            loss, grads = self._loss_and_gradients(step)
            optimizer.step(grads, lr=setup.lr * min(1.0, (step + 1) / WARMUP))
            yield loss

    def _loss_and_gradients(self, step: int) -> tuple[float, Grads]:
        images, labels = self.batch(step)
        logits, saved = self.after.forward(images)
        loss, loss_saved = cross_entropy_forward(logits, labels=labels)
        return float(loss), self.after.backward(cross_entropy_backward(1.0, loss_saved), saved)[1]

    def _normalised(self, pixels: np.ndarray) -> np.ndarray:
        mean, std = self._scale
        return ((pixels / 255 - mean) / std).astype(np.float32)

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order[step]
        return self._normalised(self._pixels[chosen]), self._labels[chosen]

    def gradients(self, step: int = -1) -> Grads:
        return self._loss_and_gradients(step)[1]

    @cached_property
    def dev_accuracy(self) -> float:
        return float((self.after.predict(self.dev_images).argmax(axis=1) == self.dev_labels).mean())


def patient(letter: str) -> Patient:
    """The run of a patient, "A" to "J", or "healthy"; it takes a second or two."""
    return Patient(SETUPS[letter])
