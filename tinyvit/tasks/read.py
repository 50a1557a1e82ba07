"""Reading: the digits of a row from left to right, each by a token of its own: the example of `Add a task`.

Rows are made as they are needed: a training digit, and beside it others drawn by chance.
"""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..backend import Array, to_numpy
from ..backend.random import ExampleRows
from ..datasets import Dataset, Split, normalize
from ..datasets.batches import training_images
from ..evaluation.reading import Reading
from ..layers import EncoderWithHead, SequenceHead
from ..plots.rows import plot_rows
from ..vit import VisionTransformer
from .fit import Note
from .task import ALL, Batch, Found
from .token_loss import TokenTask, token_answers

NUM_DRAWN = 24  # rows


class Read(TokenTask):
    """A batch is rows of digits (B, C, H, M*W) and their classes (B, M); an answer is M classes and the loss."""

    def build(self, config: Any, rng: np.random.Generator) -> EncoderWithHead:
        model = config.model  # of M registers and no class token: token m stands for digit m
        encoder = VisionTransformer(dataclasses.replace(model, num_classes=0), rng=rng)
        return EncoderWithHead(encoder, SequenceHead(model.embed_dim, model.num_classes, length=config.digits, rng=rng))

    def fit(self, config: Any, dataset: Dataset, free: Collection[str], note: Note) -> Any:
        """The model takes rows as wide as M digits."""
        rows, _ = compose(dataset.train, np.zeros((1, config.digits), np.int64))
        wide = dataclasses.replace(dataset, train=Split(rows, np.zeros(1, np.int64)))
        model = dataclasses.replace(config.model, class_token=False, num_registers=config.digits)
        return super().fit(dataclasses.replace(config, model=model), wide, free, note)

    def check(self, config: Any, dataset: Dataset) -> None:
        rows, _ = compose(dataset.train, np.zeros((1, config.digits), np.int64))
        super().check(config, dataclasses.replace(dataset, train=Split(rows, np.zeros(1, np.int64))))

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        places = others(len(dataset.train), chosen, config.digits, rng)  # (B, M)
        digits = [training_images(config, dataset, place, rng) for place in places.T]
        return np.concatenate(digits, axis=3), dataset.train.labels[places]

    def answer_size(self, config: Any) -> int:
        return config.digits + 1

    def answers(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        images, labels = self.rows(config, dataset, split, rows)
        return token_answers(model, normalize(images, dataset.mean, dataset.std), labels)

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Reading:
        _, labels = self.rows(config, dataset, split, ALL)
        return Reading(labels, answers[:, :-1].astype(np.int64), answers[:, -1])

    def predict(
        self, config: Any, model: EncoderWithHead, x: Array, image: np.ndarray, size: Any, class_names: Sequence[str]
    ) -> Found:
        """The row of digits in an image of one's own."""
        read = to_numpy(model.forward(x)[0])[0].argmax(axis=1)
        drawn = image[None], read[None], read[None], class_names
        return Found(" ".join(class_names[k] for k in read), lambda title: plot_rows(*drawn))

    def figures(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str) -> dict[str, Any]:
        """The first rows of the split, and what is read in them."""
        images, labels = self.rows(config, dataset, split, slice(NUM_DRAWN))
        read = token_answers(model, normalize(images, dataset.mean, dataset.std), labels)[:, :-1].astype(np.int64)
        return {"rows": plot_rows(images, labels, read, dataset.class_names)}

    def rows(self, config: Any, dataset: Dataset, split: str, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Rows of dev or test: the first digit of row i is example i, the others follow from (seed, split, i)."""
        part: Split = getattr(dataset, split)
        examples = np.arange(len(part))[rows]
        return compose(part, others(len(part), examples, config.digits, ExampleRows(config.seed, split, examples)))


def others(n: int, first: np.ndarray, digits: int, rng: Any) -> np.ndarray:
    """Indices of the digits of each row (B, M): those of the `first`, and M - 1 of all n by chance."""
    return np.concatenate([first[:, None], rng.integers(0, n, (len(first), digits - 1))], axis=1)


def compose(split: Split, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images side by side, uint8 (B, C, H, M*W), and their classes (B, M), by indices (B, M)."""
    return np.concatenate([split.images[place] for place in places.T], axis=3), split.labels[places]
