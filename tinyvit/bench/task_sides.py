"""Our side of a comparison of training steps of a task: the batch made anew, its loss, gradients and AdamW."""

import contextlib
import dataclasses
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..backend import keep_freed_memory
from ..config.run import Workers
from ..datasets import load_dataset
from ..layers import Layer
from ..optim import AdamW
from ..tasks import task_of
from ..training.parallel import Team, resolve_workers
from .setting import LEARNING_RATE, STEP, WEIGHT_DECAY, Side


def task_side(config: Any, workers: Workers) -> Side:
    """Training as `tinyvit train --task` does it."""
    keep_freed_memory()
    config = dataclasses.replace(config, workers=workers, device="cpu")
    config = dataclasses.replace(config, workers=resolve_workers(config, "cpu"))
    stack = contextlib.ExitStack()
    team = Team(config, load_dataset("mnist"), new_task_model(config))
    stack.callback(team.close)
    optimizer = AdamW(team.parameters, weight_decay=WEIGHT_DECAY)

    def step() -> None:
        with threadpool_limits(1, user_api="blas"):
            team.compute(0)
            optimizer.step(team.grads, lr=LEARNING_RATE)

    return Side({STEP: step}, lambda: (float(team.compute(0)), team.grads), team.processes, stack.close)


def new_task_model(config: Any) -> Layer:
    """The same weights on every side; none of them zero, or there would be gradients that are."""
    rng = np.random.default_rng(0)
    model = task_of(config).build(config, rng)
    for array in model.parameters().values():
        array += 0.02 * rng.standard_normal(array.shape, np.float32)
    return model
