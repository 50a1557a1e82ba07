"""Sentiment: whether a word is good or bad, by its letters, each of them a token."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import to_device, to_numpy
from ..config.run import TrainConfig
from ..datasets import Dataset
from ..datasets.lexicon import letters, word_dataset, word_groups
from ..evaluation.classification import Classification
from ..evaluation.predict import BATCH_SIZE
from ..evaluation.sentiment import Sentiment as Result
from ..layers import EncoderWithHead, SequenceHead
from ..ops import softmax_forward
from ..vit import VisionTransformer
from .fit import Note, check_classes
from .tag import check_words, some_hidden
from .task import Batch
from .token_loss import TokenTask


class Sentiment(TokenTask):
    """A batch is codes of letters (B, 1, 1, T) and labels (B, 1); an answer is the probabilities of bad and good."""

    def dataset(self, config: TrainConfig, note: Note) -> Dataset:
        """Our own words, or those of the lexicon in a file."""
        dataset = word_dataset(config.data_dir)
        for sentence in dataset.notes:
            note(sentence)
        return dataset

    def build(self, config: Any, rng: np.random.Generator) -> EncoderWithHead:
        encoder = VisionTransformer(dataclasses.replace(config.model, num_classes=0), rng=rng)
        sizes = config.model.embed_dim, config.model.num_classes
        return EncoderWithHead(encoder, SequenceHead(*sizes, length=1, rng=rng))  # on the class token

    def check(self, config: Any, dataset: Dataset) -> None:
        check_words(config)
        super().check(config, dataset)
        check_classes(config, dataset)

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        return some_hidden(dataset.train.images[chosen], config.hide, rng), dataset.train.labels[chosen, None]

    def answer_size(self, config: Any) -> int:
        return config.model.num_classes

    def answers(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        codes = getattr(dataset, split).images[rows]
        parts = []
        for first in range(0, len(codes), BATCH_SIZE):
            logits, _ = model.forward(to_device(codes[first : first + BATCH_SIZE], model.device))
            parts.append(to_numpy(softmax_forward(logits[:, 0])[0]))
        return np.concatenate(parts).astype(np.float32)

    def read_text(self, config: Any, model: EncoderWithHead, text: str, names: Sequence[str]) -> list[str]:
        """Whether each word is good or bad, and the probability of that, a line each."""
        lines, T = [], config.model.num_patches
        for word in re.findall(r"\w+", text.lower()):
            if not (word.isascii() and word.isalpha() and len(word) <= T):
                lines.append(f"{word}: not read, only words of at most {T} letters from a to z are")
                continue
            logits, _ = model.forward(to_device(letters([word]), model.device))
            probs = to_numpy(softmax_forward(logits[:, 0])[0])[0]
            lines.append(f"{word}: {names[probs.argmax()]} ({probs.max():.2f})")
        return lines

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Result:
        part = getattr(dataset, split)
        return Result(Classification.of(answers, part.labels), word_groups(part.images))
