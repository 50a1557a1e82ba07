"""Sentiment: whether a word is good or bad, by its letters, each of them a token."""

from typing import Any

import numpy as np

from ..backend import Array, to_device, to_numpy
from ..config.run import TrainConfig
from ..datasets import Dataset
from ..datasets.lexicon import word_dataset, word_groups
from ..evaluation.classification import Classification
from ..evaluation.predict import BATCH_SIZE
from ..evaluation.sentiment import Sentiment as Result
from ..layers import Gradients
from ..ops import softmax_forward
from ..vit import VisionTransformer
from .classify import loss_and_gradients
from .fit import Note, check_classes
from .tag import check_words, some_hidden
from .task import Batch, Task


class Sentiment(Task[VisionTransformer]):
    """A batch is codes of letters (B, 1, 1, T) and labels (B,); an answer is the probabilities of bad and good."""

    def dataset(self, config: TrainConfig, note: Note) -> Dataset:
        """Our own words, or those of the lexicon in a file."""
        dataset = word_dataset(config.data_dir)
        for sentence in dataset.notes:
            note(sentence)
        return dataset

    def build(self, config: Any, rng: np.random.Generator) -> VisionTransformer:
        return VisionTransformer(config.model, rng=rng)

    def check(self, config: Any, dataset: Dataset) -> None:
        check_words(config)
        super().check(config, dataset)
        check_classes(config, dataset)

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        return some_hidden(dataset.train.images[chosen], config.hide, rng), dataset.train.labels[chosen]

    def loss_and_gradients(
        self,
        config: Any,
        model: VisionTransformer,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Gradients]:
        codes, labels = batch
        smoothing = config.label_smoothing
        return loss_and_gradients(
            model, codes, labels, label_smoothing=smoothing, share=share, weights=weights, rng=rng
        )

    def answer_size(self, config: Any) -> int:
        return config.model.num_classes

    def answers(self, config: Any, model: VisionTransformer, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        codes = getattr(dataset, split).images[rows]
        parts = [
            to_numpy(softmax_forward(model.predict(to_device(codes[first : first + BATCH_SIZE], model.device)))[0])
            for first in range(0, len(codes), BATCH_SIZE)
        ]
        return np.concatenate(parts).astype(np.float32)

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Result:
        part = getattr(dataset, split)
        return Result(Classification.of(answers, part.labels), word_groups(part.images))
