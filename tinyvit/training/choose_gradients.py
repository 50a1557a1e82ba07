"""Choice of who computes the gradients of a run on this machine: one process, several, or threads of a large model."""

import dataclasses
from typing import Any

from ..config.costs import model_costs
from ..config.run import TrainConfig
from ..datasets import Dataset
from ..datasets.in_threads import MAX_THREADS, cores
from .gradients import Gradients, InThreads, OneProcess
from .ranks import Ranks

LARGE = 20_000_000  # parameters, from which on the gradients that each process has of its own take too much memory


def with_workers(config: TrainConfig, device: str) -> TrainConfig:
    """The config with a number of processes in place of "auto", which is left where threads share a large model.

    Raises:
        UserError: more than one was asked for on a GPU.
    """
    if config.workers == 1 or (device == "cpu" and _has_threads(config)):
        return config
    from .parallel import resolve_workers

    return dataclasses.replace(config, workers=resolve_workers(config, device))


def choose_gradients(config: TrainConfig, dataset: Dataset, model: Any, ranks: Ranks | None = None) -> Gradients:
    """Gradients of `model`, whose parameters are moved into one vector; the config is one of `with_workers`."""
    if config.workers == "auto":
        return InThreads(config, dataset, model, min(cores(), MAX_THREADS))
    if config.workers == (1 if ranks is None else ranks.size) == 1:
        return OneProcess(config, dataset, model)
    from .parallel import Team

    return Team(config, dataset, model, ranks)


def _has_threads(config: TrainConfig) -> bool:
    if config.workers != "auto" or config.distributed or config.task != "classify":
        return False
    return sum(cost.parameters for cost in model_costs(config.model).values()) >= LARGE
