"""Our side of a comparison."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..backend import keep_freed_memory
from ..config import ViTConfig
from ..config.run import Workers
from ..datasets import normalize
from ..optim import AdamW
from ..training import TrainConfig
from ..training.parallel import resolve_workers
from ..training.sharing import shared_gradients
from .setting import LEARNING_RATE, MEAN, STD, STEP, WEIGHT_DECAY, Side, inference_runs, new_model, one_batch


@contextlib.contextmanager
def training_team(
    config: ViTConfig, batch_size: int, workers: Workers = "auto"
) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Gradients of one batch, by a team or by threads, and the step that `tinyvit train` makes: gradients and AdamW."""
    keep_freed_memory()
    train = TrainConfig(model=config, batch_size=batch_size, augment="none", workers=workers, device="cpu")
    train = dataclasses.replace(train, workers=resolve_workers(train, "cpu"))
    team = shared_gradients(train, one_batch(config, batch_size), new_model(config))
    optimizer = AdamW(team.parameters, weight_decay=WEIGHT_DECAY)

    def step() -> None:
        with threadpool_limits(1, user_api="blas"):
            team.compute(0)
            optimizer.step(team.grads, lr=LEARNING_RATE)

    try:
        yield team, step
    finally:
        team.close()


def tinyvit_side(config: ViTConfig, batch_size: int, workers: Workers) -> Side:
    """Training as `tinyvit train` does it; inference in one process, with all threads of the matrix library."""
    stack = contextlib.ExitStack()
    team, step = stack.enter_context(training_team(config, batch_size, workers))
    model = new_model(config)

    def gradients() -> tuple[float, Mapping[str, np.ndarray]]:
        return float(team.compute(0)), team.grads

    images = normalize(np.asarray(team.dataset.train.images), MEAN, STD)
    processes = getattr(team, "processes", list)  # threads have none
    return Side({STEP: step, **inference_runs(model.predict, images)}, gradients, processes, stack.close)
