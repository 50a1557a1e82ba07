"""A training step and inference, timed in turn with PyTorch's where that is asked for.

Both sides have the same weights, images and precision (float32), AdamW, and all cores. Before anything is timed, they
are checked to compute the same loss and the same gradients.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..backend import generator, keep_freed_memory
from ..config import ViTConfig
from ..datasets import Dataset, Split, normalize
from ..errors import UserError
from ..optim import AdamW
from ..training import TrainConfig
from ..training.config import Workers
from ..training.parallel import Team, resolve_workers
from ..vit import VisionTransformer
from .timing import Series, in_turn

LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.05
MEAN, STD = 0.5, 0.5


def one_batch(config: ViTConfig, batch_size: int) -> Dataset:
    """Random pictures and labels, as many as one batch takes."""
    rng = generator(0, "bench")
    images = rng.integers(0, 256, (batch_size, config.in_chans, *config.image_shape), np.uint8)
    split = Split(images, rng.integers(0, config.num_classes, batch_size))
    return Dataset("random", tuple(map(str, range(config.num_classes))), MEAN, STD, split, split, split)


@contextlib.contextmanager
def training_team(config: ViTConfig, batch_size: int, workers: Workers = "auto") -> Iterator[tuple[Team, Callable]]:
    """A team on one batch, and the step that `tinyvit train` makes: gradients and AdamW."""
    train = TrainConfig(model=config, batch_size=batch_size, augment="none", workers=workers, device="cpu")
    train = dataclasses.replace(train, workers=resolve_workers(train, "cpu"))
    team = Team(train, one_batch(config, batch_size), VisionTransformer(config, rng=np.random.default_rng(0)))
    optimizer = AdamW(team.parameters, weight_decay=WEIGHT_DECAY)

    def step() -> None:
        with threadpool_limits(1, user_api="blas"):
            team.gradients(0)
            optimizer.step(team.grads, lr=LEARNING_RATE)

    keep_freed_memory()
    try:
        yield team, step
    finally:
        team.close()


def speed(
    config: ViTConfig,
    *,
    batch_size: int,
    rounds: int,
    workers: Workers = "auto",
    against: str | None = None,
    compiled: bool = False,
) -> dict[str, dict[str, Series]]:
    """Times of a training step and of inference, by side: "tinyvit", and "PyTorch" (and "PyTorch, compiled").

    Raises:
        UserError: PyTorch is not installed, or the two sides do not compute the same.
    """
    with training_team(config, batch_size, workers) as (team, step):
        dataset = team.dataset
        images = normalize(dataset.train.images, MEAN, STD)
        model = VisionTransformer(config, rng=np.random.default_rng(0))
        steps, predictions = {"tinyvit": step}, {"tinyvit": model.predict}
        for name, other in _opponents(against, compiled).items():
            opponent = other(model)
            opponent.check(team, images, dataset.train.labels)
            steps[name] = opponent.training_step(
                images, dataset.train.labels, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
            )
            predictions[name] = opponent.predict
        results = {f"train step, batch {batch_size}": in_turn(steps, rounds)}
    for size in (1, batch_size):
        runs = {name: _call(predict, images[:size]) for name, predict in predictions.items()}
        results[f"inference, batch {size}"] = in_turn(runs, rounds)
    return results


def _call(function: Callable[[np.ndarray], Any], images: np.ndarray) -> Callable[[], Any]:
    return lambda: function(images)


def _opponents(against: str | None, compiled: bool) -> dict[str, Any]:
    if against is None:
        return {}
    try:
        from .opponent import TorchSide
    except ImportError as error:
        raise UserError(
            "--against torch needs PyTorch, which is not installed: python -m pip install 'tinyvit[parity]'"
        ) from error
    sides: dict[str, Any] = {"PyTorch": lambda model: TorchSide(model, compiled=False)}
    if compiled:
        sides["PyTorch, compiled"] = lambda model: TorchSide(model, compiled=True)
    return sides
