"""Transfer: a classifier that starts from an encoder which another task has trained, and learns from few labels.

The learning rate of a block is the smaller the lower it stands: what lies near the pixels has been learned already.

Source: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377, appendix A.1.
"""

import dataclasses
from collections.abc import Collection
from typing import Any, ClassVar, Literal

import numpy as np

from ..backend import generator
from ..datasets import Dataset, epoch_order
from ..errors import UserError
from ..layers import NO_DRAWS
from ..optim.layer_decay import lr_scales
from ..pretrained import open_checkpoint
from ..vit import VisionTransformer
from .classify import Classify
from .fit import Note

STEPS, PASSES = 100, 20  # of an epoch of few labels, at least
RATES = ("drop_rate", "drop_path_rate")  # of a model, what a run may choose anew


class Transfer(Classify):
    """As `Classify`, from the weights of `config.init`, on `config.num_labels` of the training images."""

    keeps: ClassVar[Literal["best", "last"]] = "last"  # to choose an epoch on dev would take more labels

    def build(self, config: Any, rng: np.random.Generator) -> VisionTransformer:
        if config.init is None or rng is NO_DRAWS:
            return super().build(config, rng)
        rates: dict[str, Any] = {name: getattr(config.model, name) for name in RATES}
        checkpoint = open_checkpoint(config.init, with_head=False)
        model = VisionTransformer.from_checkpoint(checkpoint, num_classes=config.model.num_classes, **rates)
        if model.config != config.model:
            raise UserError(f"{config.init} holds another model than the run began with: put that one back")
        return model.astype(np.float32)

    def fit(self, config: Any, dataset: Dataset, free: Collection[str], note: Note) -> Any:
        """The model is that of `config.init`, with a head for the classes of the data set.

        Raises:
            UserError: fields of another model were given.
        """
        if config.init is None:
            return super().fit(config, dataset, free, note)
        encoder = open_checkpoint(config.init, with_head=False).config.with_head(len(dataset.class_names))
        usual, given = vars(type(config).model), vars(config.model)
        changed = {name: value for name, value in given.items() if value != usual[name] and name not in free}
        if others := [name for name, value in changed.items() if name not in RATES and value != vars(encoder)[name]]:
            raise UserError(
                f"the model is the one in {config.init}, and {others[0]} is another there: leave {others[0]} out"
            )
        rates = {name: value for name, value in changed.items() if name in RATES}
        return dataclasses.replace(config, model=dataclasses.replace(encoder, **rates))

    def check(self, config: Any, dataset: Dataset) -> None:
        super().check(config, dataset)
        few_labels(config, dataset)

    def lr_scales(self, config: Any, names: Collection[str]) -> dict[str, float]:
        return lr_scales(names, config.layer_decay, config.model.depth) if config.init else {}

    def epoch_size(self, config: Any, dataset: Dataset) -> int:
        if not config.num_labels:
            return len(dataset.train)
        return max(STEPS * config.batch_size, PASSES * config.num_labels)

    def order(self, config: Any, dataset: Dataset, epoch: int) -> np.ndarray:
        if not config.num_labels:
            return super().order(config, dataset, epoch)
        chosen = few_labels(config, dataset)
        passes = -(-self.epoch_size(config, dataset) // len(chosen))
        orders = [epoch_order(len(chosen), seed=config.seed, epoch=epoch * passes + number) for number in range(passes)]
        return chosen[np.concatenate(orders)[: self.epoch_size(config, dataset)]]


def few_labels(config: Any, dataset: Dataset) -> np.ndarray:
    """Indices of `config.num_labels` training images, as many of each class, drawn by the seed; 0 means all.

    Raises:
        UserError: a class has not so many.
    """
    labels, K = dataset.train.labels, len(dataset.class_names)
    if not config.num_labels:
        return np.arange(len(labels))
    if config.num_labels % K:
        raise UserError(
            f"num_labels must be a multiple of the {K} classes, to have as many of each, got {config.num_labels}"
        )
    each, rng = config.num_labels // K, generator(config.seed, "labels")
    of_classes = [np.flatnonzero(labels == k) for k in range(K)]
    if (least := min(map(len, of_classes))) < each:
        raise UserError(
            f"num_labels asks for {each:,} images of each class, and {dataset.name} has {least:,} of one: choose "
            f"{least * K:,} at most"
        )
    return np.concatenate([rng.permutation(rows)[:each] for rows in of_classes])
