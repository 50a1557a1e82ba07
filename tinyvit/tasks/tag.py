"""Tagging: a tag for each word of a sentence, so that names of people, places and firms and dates are found in it.

A sentence is an image one pixel high whose patches are words, and goes through the blocks of the Vision Transformer as
any other; every word's token then says its tag.

Source: Devlin et al. 2019, "BERT", arXiv:1810.04805, section 5.3 (a linear layer on each token); tags: Tjong Kim Sang,
De Meulder 2003, the shared task of CoNLL-2003.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import to_device, to_numpy
from ..datasets import Dataset, Split
from ..datasets.conll import load_conll
from ..datasets.sentences import GROUPS, sentence_dataset
from ..datasets.words import encoded
from ..errors import UserError, printable
from ..evaluation.metrics.entities import spans
from ..evaluation.tagging import Tagging
from ..layers import DenseHead, EncoderWithHead
from ..vit import VisionTransformer
from .fit import Note
from .task import Batch
from .token_loss import TokenTask, token_answers

HIDDEN = 1  # code of a hidden word's characters: ASCII's start of heading, which no word holds


class Tag(TokenTask):
    """A batch is codes of words (B, C, 1, T) and tags (B, T); an answer is T tags and the loss of the sentence."""

    def dataset(self, config: Any, note: Note) -> Dataset:
        """Sentences made from a grammar, or those of the CoNLL files in a folder."""
        if config.data_dir is None:
            n = config.num_sentences
            return sentence_dataset(n, n // 20, n // 5)
        dataset = load_conll(config.data_dir)
        for sentence in dataset.notes:
            note(sentence)
        return dataset

    def as_learned(self, config: Any, class_names: Sequence[str], dataset: Dataset) -> Dataset:
        """Also with the model's number of words, longer sentences split, and its numbers of tags."""
        if new := [name for name in dataset.class_names if name not in class_names]:
            raise UserError(
                f"{dataset.name} has tags that the model has not learned, such as {printable(new[0])}: leave them out, "
                "or train another model"
            )
        numbers = np.array([*(class_names.index(name) for name in dataset.class_names), -1])  # -1: no word
        train, dev, test = (
            _of_length(split, config.model.num_patches, numbers) for split in (dataset.train, dataset.dev, dataset.test)
        )
        return dataclasses.replace(dataset, class_names=tuple(class_names), train=train, dev=dev, test=test)

    def build(self, config: Any, rng: np.random.Generator) -> EncoderWithHead:
        encoder = VisionTransformer(dataclasses.replace(config.model, num_classes=0), rng=rng)
        sizes = config.model.embed_dim, config.model.num_classes
        return EncoderWithHead(encoder, DenseHead(*sizes, num_prefix=config.model.num_prefix_tokens, rng=rng))

    def check(self, config: Any, dataset: Dataset) -> None:
        check_words(config)
        super().check(config, dataset)

    def batch(self, config: Any, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        return some_hidden(dataset.train.images[chosen], config.hide, rng), dataset.train.labels[chosen]

    def answer_size(self, config: Any) -> int:
        return config.model.num_patches + 1

    def answers(self, config: Any, model: EncoderWithHead, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        part = getattr(dataset, split)
        return token_answers(model, part.images[rows], part.labels[rows])

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Tagging:
        tags = getattr(dataset, split).labels
        names = tuple(GROUPS) if config.data_dir is None else (dataset.name,)
        groups = np.arange(len(tags)) % len(names)
        return Tagging(tags, answers[:, :-1].astype(np.int64), answers[:, -1], dataset.class_names, groups, names)

    def read_text(self, config: Any, model: EncoderWithHead, text: str, names: Sequence[str]) -> list[str]:
        """A text with its entities in brackets, "[Ann PER] lives in [Oslo LOC] .", a line for each of its sentences."""
        words, T = tokens(text), config.model.num_patches
        lines = []
        for some in (words[first : first + T] for first in range(0, len(words), T)):
            logits, _ = model.forward(to_device(encoded([some], T), model.device))
            tags = [names[k] for k in to_numpy(logits)[0, : len(some)].argmax(axis=1)]
            marked = list(some)
            for start, stop, kind in spans(tags):
                marked[start] = f"[{marked[start]}"
                marked[stop - 1] += f" {kind}]"
            lines.append(" ".join(marked))
        return lines


def tokens(text: str) -> list[str]:
    """Words and marks of a text: what stands between spaces, with marks apart, but initials and dates whole."""
    return re.findall(r"[A-Z]\.|\d+(?:[./]\d+)+|\w+|[^\w\s]", text)


def _of_length(split: Split, T: int, numbers: np.ndarray) -> Split:
    """Sentences filled up to `T` words, longer ones cut into several, tag k replaced by `numbers[k]`."""
    n, S = split.labels.shape
    wider = -(-S // T) * T
    codes = np.pad(split.images[:], ((0, 0), (0, 0), (0, 0), (0, wider - S)))  # (n, C, 1, S) -> (n, C, 1, wider)
    codes = np.concatenate(np.split(codes, wider // T, axis=3))
    tags = np.pad(numbers[split.labels], ((0, 0), (0, wider - S)), constant_values=-1)
    tags = np.concatenate(np.split(tags, wider // T, axis=1))
    order = np.arange(len(tags)).reshape(-1, n).T.reshape(-1)  # the parts of a sentence behind one another
    order = order[(tags[order] >= 0).any(axis=1)]
    return Split(codes[order], tags[order])


def check_words(config: Any) -> None:
    """Check that the model takes words, and that no augmentation of images was asked for.

    Raises:
        UserError: it takes images, or augmentation is asked for.
    """
    if config.model.stem != "words":
        raise UserError(f'{config.task} takes words, got a model with stem="{config.model.stem}": leave out stem')
    if config.augment != "none":
        raise UserError(f"words are not augmented as images are, got augment {config.augment}: leave it out")


def some_hidden(codes: np.ndarray, probability: float, rng: Any) -> np.ndarray:
    """Codes of words (B, C, 1, T), some words replaced by a sign that is in none, so that what stands around a word
    counts, too; a masked token, in BERT's words.
    """
    hidden = rng.random((len(codes), 1, 1, codes.shape[3])) < probability
    return np.where(hidden & (codes > 0), np.uint8(HIDDEN), codes)
