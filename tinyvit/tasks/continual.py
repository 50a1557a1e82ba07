"""Continual learning: classes come task by task, and what was learned before is forgotten, or kept: in one of 3 ways.

naive: nothing is done. replay: half of each batch are kept images of earlier tasks, which is an order of indices and
nothing else. ewc: elastic weight consolidation; weights that mattered are held where they were. lwf: learning without
forgetting; the model as it was teaches the new one what it would have said.

Source: Chaudhry et al. 2019, arXiv:1902.10486 (replay of tiny memories); Kirkpatrick et al. 2017, arXiv:1612.00796
(EWC); Li, Hoiem 2016, arXiv:1606.09282 (LwF); van de Ven, Tolias 2019, arXiv:1904.07734 (what is measured).
"""

from typing import Any, ClassVar, Literal, cast

import numpy as np

from ..backend import Array, to_numpy
from ..config.run import TrainConfig
from ..datasets import Dataset
from ..datasets.batches import training_batch
from ..datasets.streams import class_tasks, stream_order
from ..errors import UserError
from ..evaluation.continual import Continual as Result
from ..evaluation.predict import predict_probs
from ..layers import Grads
from ..ops import cross_entropy_backward, cross_entropy_forward
from ..vit import VisionTransformer
from .fit import check_classes
from .remembering import Learner, consolidate, old_answers, penalty
from .task import ALL, Batch, Task


class Continual(Task[Learner]):
    """A batch is images and labels, as for a classifier; an answer is K probabilities, and the accuracies so far."""

    unused: ClassVar[tuple[str, ...]] = ("label_smoothing", "class_weights")
    keeps: ClassVar[Literal["best", "last"]] = "last"  # the last task's weights are what forgetting is about

    def build(self, config: Any, rng: np.random.Generator) -> Learner:
        return Learner(config.model, tasks=len(tasks_of(config)), method=config.method, rng=rng)

    def check(self, config: Any, dataset: Dataset) -> None:
        super().check(config, dataset)
        check_classes(config, dataset)
        if config.epochs < (count := len(tasks_of(config))):
            raise UserError(
                f"each of {count} tasks takes an epoch at least, got epochs {config.epochs}: choose {count} or more"
            )
        if config.ema_decay:
            raise UserError(
                f"what is remembered of a task is no average over time, got ema_decay {config.ema_decay:g}: set it to 0"
            )

    def epoch_size(self, config: Any, dataset: Dataset) -> int:
        """As many images as a task has on average."""
        return len(dataset.train) // len(tasks_of(config))

    def order(self, config: Any, dataset: Dataset, epoch: int) -> np.ndarray:
        return stream_order(
            dataset.train.labels,
            tasks_of(config),
            task_in(config, epoch),
            size=self.epoch_size(config, dataset),
            batch_size=config.batch_size,
            replay=config.replay if config.method == "replay" else 0,
            seed=config.seed,
            epoch=epoch,
        )

    def batch(self, config: TrainConfig, dataset: Dataset, chosen: np.ndarray, rng: Any) -> Batch:
        return training_batch(config, dataset, chosen, rng)

    def loss_and_gradients(
        self,
        config: Any,
        model: Learner,
        batch: Batch,
        *,
        share: float = 1.0,
        weights: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, Grads]:
        images, labels = batch
        logits, saved = model.forward(images, rng=rng)
        loss, loss_saved = cross_entropy_forward(logits, labels=labels, weights=weights)
        dlogits = cross_entropy_backward(share, loss_saved)
        if config.method == "lwf":
            more, dmore = old_answers(model, images, logits, weights)
            loss, dlogits = loss + config.lwf_lambda * more, dlogits + share * config.lwf_lambda * dmore
        _, grads = model.backward(dlogits, saved)
        if config.method == "ewc":
            more, dweights = penalty(model)
            loss = loss + config.ewc_lambda * more
            grads |= {name: grads[name] + share * config.ewc_lambda * grad for name, grad in dweights.items()}
        return loss, grads

    def after_epoch(self, config: Any, model: Learner, dataset: Dataset, epoch: int, result: Any) -> None:
        """At the end of a task, its accuracies and what it needs are remembered."""
        tasks, task = tasks_of(config), task_in(config, epoch)
        if epoch + 1 < config.epochs and task_in(config, epoch + 1) == task:
            return
        rows = np.flatnonzero(np.isin(dataset.train.labels, tasks[task]))
        consolidate(model, config, dataset, task, tasks[task], rows, result.of_tasks)

    def answer_size(self, config: Any) -> int:
        return config.model.num_classes + len(tasks_of(config)) ** 2

    def answers(self, config: Any, model: Learner, dataset: Dataset, split: str, rows: slice) -> np.ndarray:
        images = getattr(dataset, split).images
        probs = predict_probs(
            cast(VisionTransformer, model), images if rows == ALL else images[rows], dataset.mean, dataset.std
        )
        matrix = np.broadcast_to(to_numpy(model.memory.matrix), (len(probs), model.memory.matrix.size))
        return np.concatenate([probs, matrix], axis=1).astype(np.float32)

    def judge(self, config: Any, answers: np.ndarray, dataset: Dataset, split: str) -> Result:
        tasks, K = tasks_of(config), config.model.num_classes
        matrix = answers[0, K:].reshape(len(tasks), len(tasks)).astype(np.float64)
        learned = int(matrix.any(axis=1).sum())
        return Result.of(answers[:, :K], getattr(dataset, split).labels, tasks, matrix[:learned])


def tasks_of(config: Any) -> list[tuple[int, ...]]:
    """Classes of each task, in the order they come."""
    return class_tasks(config.model.num_classes, config.classes_per_task)


def task_in(config: Any, epoch: int) -> int:
    """The task that is learned in an epoch: epochs are shared as evenly as they can be."""
    return epoch * len(tasks_of(config)) // config.epochs
