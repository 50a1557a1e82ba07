"""A task, the training loop's interface to what is learned: batch, loss and gradients, evaluation."""

from typing import Any, Protocol, TypeVar

import numpy as np

from ..backend import Array
from ..config.run import RunConfig, TrainConfig
from ..datasets import Dataset
from ..evaluation.result import Evaluation
from ..layers import Gradients, Layer

Model = TypeVar("Model", bound=Layer)
Batch = tuple[Array, ...]  # the first axis of each is the examples
ALL = slice(None)  # examples


class Task(Protocol[Model]):
    """Stateless, and found by name from the config, so that worker processes can build it.

    Its contract, in one sentence: the gradients of the pieces of a batch, each given its share, add up to the batch's
    own. So a loss is a mean over the examples of its piece; none is divided by a count over the whole batch, and none
    looks across examples.
    """

    def build(self, config: RunConfig, rng: np.random.Generator) -> Model:
        """A new model, encoder and heads, with all its parameters in one dict."""
        raise NotImplementedError

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
    ) -> tuple[Array, Gradients]:
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

    def answers(self, config: RunConfig, model: Model, dataset: Dataset, rows: slice) -> np.ndarray:
        """The model's answers for `rows` of the dev split, (n, R). Chance comes from `chance.DevRows` alone, so that
        they do not depend on which process computes them.
        """
        raise NotImplementedError

    def judge(self, answers: np.ndarray, dataset: Dataset) -> Evaluation:
        """The answers for the whole dev split against the truth: its first measure decides which epoch is best."""
        raise NotImplementedError
