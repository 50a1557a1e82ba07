"""A task, the training loop's interface to what is learned: batch, loss and gradients, evaluation."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

import numpy as np

from ..backend import Array
from ..config.costs import model_costs
from ..config.run import RunConfig, TrainConfig
from ..datasets import Dataset, epoch_order
from ..errors import UserError
from ..evaluation.result import Evaluation
from ..layers import NO_DRAWS, Grads, Layer
from .fit import Note, check_images, check_unused, fitted
from .model_files import with_saved_weights

Model = TypeVar("Model", bound=Layer)
Batch = tuple[Array, ...]  # the first axis of each is the examples
ALL = slice(None)  # examples
TOKENS_AT_ONCE = 2200  # of a piece of a batch on the CPU: more are no faster, as they no longer fit into its cache


class Found(NamedTuple):
    """Answer of a model to one image."""

    words: str  # in a line
    draw: Callable[[str], Any]  # a figure, under a title


class Task(Protocol[Model]):
    """Stateless, and found by name from the config, so that worker processes can build it.

    Its contract, in one sentence: the gradients of the pieces of a batch, each given its share, add up to the batch's
    own. So a loss is a mean over the examples of its piece; none is divided by a count over the whole batch, and none
    looks across examples.
    """

    keeps: ClassVar[Literal["best", "last"]] = "best"  # epoch, whose weights are tested and kept in best/
    needs_classes: ClassVar[bool] = True  # or any folder of images will do
    unused: ClassVar[tuple[str, ...]] = ()  # fields of a run's config that the task has no use for: refused if given

    def dataset(self, config: TrainConfig, note: Note) -> Dataset | None:
        """The data set of a task that has its own, made or read from `config.data_dir`; None: of images, by name.

        Raises:
            UserError: it is not there, or cannot be read.
        """
        return None

    def as_learned(self, config: RunConfig, class_names: Sequence[str], dataset: Dataset) -> Dataset:
        """Data of one's own as a model takes them that has learned `class_names` from others; the same.

        Raises:
            UserError: it has not learned such.
        """
        return dataset

    def build(self, config: RunConfig, rng: np.random.Generator) -> Model:
        """A new model, encoder and heads, with all its parameters in one dict."""
        raise NotImplementedError

    def fit(self, config: TrainConfig, dataset: Dataset, free: Collection[str], note: Note) -> TrainConfig:
        """The config with a model that fits the data set; what is changed is told.

        Args:
            free: fields of the model that may change, of `fit.FREE`.

        Raises:
            UserError: no model of such fields fits.
        """
        return dataclasses.replace(config, model=fitted(config.model, dataset, free, note))

    def check(self, config: TrainConfig, dataset: Dataset) -> None:
        """Check that the model and the data set fit, and that no setting is given that would be passed over.

        Raises:
            UserError: they do not, or one is.
        """
        check_unused(config, self.unused)
        check_images(config, dataset)

    def prepared(self, config: TrainConfig, dataset: Dataset) -> Dataset:
        """The data set with what is computed of it once, before the first step of a run that begins or goes on."""
        return dataset

    def num_tokens(self, config: RunConfig) -> int:
        """Tokens of an example that go through the blocks: they decide how many examples are worked on at once."""
        return config.model.num_tokens

    def flops(self, config: RunConfig) -> float:
        """Floating-point operations of an example's forward: they decide how many workers share a step."""
        return sum(cost.flops for cost in model_costs(config.model).values())

    def load(self, config: RunConfig, folder: Path) -> Model:
        """The best model of the run in `folder`, on the CPU.

        Raises:
            UserError: it is not there, or damaged.
        """
        return with_saved_weights(self.build(config, NO_DRAWS), folder)

    def lr_scales(self, config: RunConfig, names: Collection[str]) -> dict[str, float]:
        """Factors of the learning rate by name of parameter; 1 for what is not named."""
        return {}

    def epoch_size(self, config: RunConfig, dataset: Dataset) -> int:
        """Examples of an epoch."""
        return len(dataset.train)

    def order(self, config: RunConfig, dataset: Dataset, epoch: int) -> np.ndarray:
        """The training examples of an epoch in their order, int64 (`epoch_size`,); one may come several times."""
        return epoch_order(len(dataset.train), seed=config.seed, epoch=epoch)

    def after_epoch(self, config: RunConfig, model: Model, dataset: Dataset, epoch: int, result: Evaluation) -> None:
        """Called after each epoch's look at the dev split, before its checkpoint; may write into the parameters."""
        return

    def example_weights(self, config: RunConfig, dataset: Dataset, chosen: np.ndarray) -> np.ndarray | None:
        """Weight of each of the training examples `chosen` (B,) in their batch, float64 (B,), adding up to one;
        None where all count alike.
        """
        return None

    def batch(self, config: TrainConfig, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        """The training examples `chosen`, augmented; `rng` is a `np.random.Generator`, or draws like one for examples
        as the first axis.
        """
        raise NotImplementedError

    def loss_and_gradients(
        self,
        config: RunConfig,
        model: Model,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Grads]:
        """The mean loss of a batch or a piece of one (0-d), and the gradient of share * loss by every parameter.

        Args:
            share: the part of the whole batch that this piece is.
            weights: of the examples (B,), adding up to one, where not all count alike.
            rng: for dropout and drop path.
        """
        raise NotImplementedError

    def answer_size(self, config: RunConfig) -> int:
        """R, the features of an answer."""
        raise NotImplementedError

    def answers(self, config: RunConfig, model: Model, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        """The model's answers for `rows` of a split, float32 (n, R). Chance comes from `backend.ExampleRows` alone, so
        that they do not depend on which process computes them.

        Args:
            split: "dev" or "test".
        """
        raise NotImplementedError

    def judge(self, config: RunConfig, answers: np.ndarray, dataset: Dataset, split: str) -> Evaluation:
        """The answers for a whole split against the truth: on dev, the first measure decides which epoch is best.

        Raises:
            UserError: the answers for the test split are no numbers.
        """
        raise NotImplementedError

    def predict(
        self,
        config: Any,
        model: Model,
        x: Array,
        image: np.ndarray,
        size: tuple[int, int],
        class_names: Sequence[str],
    ) -> Found:
        """Look at one image of one's own.

        Args:
            x: the image as the model takes it, (1, C, H, W), on its device.
            image: the same before it was normalised, uint8 (C, H, W).
            size: the image's own (height, width).
            class_names: of the data set.

        Raises:
            UserError: the task has nothing to say of single images.
        """
        raise says_nothing(config)

    def figures(self, config: RunConfig, model: Model, dataset: Dataset, split: str) -> dict[str, Any]:
        """Figures by file name that show the model (on the CPU) at work on a few examples of a split."""
        return {}


def says_nothing(config: RunConfig) -> UserError:
    """Of a task that has nothing to say of single images."""
    return UserError(
        f"a model of the task {config.task} says nothing of single images: look at its figures, tinyvit plot RUN"
    )
