"""Configs of the tasks on words: their defaults are the recipes."""

import dataclasses
from typing import ClassVar, Literal

from .fields import option
from .presets import PRESETS
from .run import TrainConfig
from .vit import ViTConfig

WORDS = dataclasses.replace(
    PRESETS["tiny"], img_size=(1, 24), patch_size=1, in_chans=16, depth=2, stem="words", drop_rate=0.1
)
SENTENCES = dataclasses.replace(WORDS, num_classes=9, class_token=False, pool="mean")
LETTERS = dataclasses.replace(WORDS, img_size=(1, 16), in_chans=1, num_classes=2, drop_rate=0.2)


@dataclasses.dataclass(frozen=True)
class TextConfig(TrainConfig):
    """Settings of all runs on words: nothing of what is done to images."""

    is_classifier: ClassVar[bool] = False
    batch_size: int = option(64, "batch size, examples per optimizer step", at_least=1)
    augment: Literal["none", "shift", "affine"] = option("none", "data augmentation, of images alone: none")
    hide: float = option(0.0, "probability that a word, or a letter, is hidden in training", below=1)

    @property
    def dataset_name(self) -> str:
        return self.task if self.data_dir is None else super().dataset_name


@dataclasses.dataclass(frozen=True)
class TagConfig(TextConfig):
    """A run of `tinyvit train --task tag`: named entities, a BIO tag for each word of a sentence."""

    model: ViTConfig = SENTENCES
    task: str = option("tag", "learning task")
    data_dir: str | None = option(None, "folder of CoNLL files: train.txt, dev.txt, test.txt (else made sentences)")
    epochs: int = option(4, "epochs, passes over the training split", at_least=1)
    num_sentences: int = option(
        20_000, "made sentences to train on; a fourth as many are for dev and test", at_least=20
    )
    hide: float = option(0.3, "probability that a word is hidden in training, so that its neighbours count", below=1)


@dataclasses.dataclass(frozen=True)
class SentimentConfig(TextConfig):
    """A run of `tinyvit train --task sentiment`: whether a word is good or bad, by its letters."""

    model: ViTConfig = LETTERS
    task: str = option("sentiment", "learning task")
    data_dir: str | None = option(None, "lexicon: a file of words and ratings, tabs between (else our own words)")
    epochs: int = option(30, "epochs, passes over the training split", at_least=1)
    lr: float = option(1e-3, "peak learning rate, after warm-up")
    weight_decay: float = option(
        0.3, "decoupled weight decay (with sgd: added to the gradient), of weight matrices only"
    )
    warmup_epochs: float = option(1.0, "warm-up: epochs of linear growth up to the peak learning rate")
    hide: float = option(0.15, "probability that a letter is hidden in training", below=1)
