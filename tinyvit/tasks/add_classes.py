"""Adding classes: a classifier learns new ones, and is to keep those that it knows.

Half of each batch are kept images of what it knew (replay), and an epoch shows every image once at least. Without any,
the model of before teaches the new one what it would have said (learning without forgetting), see `remembering`.

Source: Chaudhry et al. 2019, arXiv:1902.10486 (replay of tiny memories); Li, Hoiem 2016, arXiv:1606.09282 (LwF).
"""

from typing import Any

import numpy as np

from ..backend import generator
from ..datasets import Dataset
from ..datasets.streams import half_kept
from ..evaluation.added_classes import AddedClasses
from .classify import Classify

MIN_IMAGES = 1000  # images of an epoch without replay, where new ones are few and come several times


class AddClasses(Classify):
    """As `Classify`; the last `num_kept` training images are the kept ones."""

    def epoch_size(self, config: Any, dataset: Dataset) -> int:
        new, kept = len(dataset.train) - config.num_kept, config.num_kept
        return 2 * max(new, kept) if kept else max(new, MIN_IMAGES)

    def order(self, config: Any, dataset: Dataset, epoch: int) -> np.ndarray:
        new, kept = np.split(np.arange(len(dataset.train)), [len(dataset.train) - config.num_kept])
        rng = generator(config.seed, "shuffle", epoch)
        return half_kept(new, kept, size=self.epoch_size(config, dataset), batch_size=config.batch_size, rng=rng)

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> AddedClasses:
        before = config.accuracy_before if split == "test" else None
        return AddedClasses(super().judge(config, answers, dataset, split), config.num_known, before)
