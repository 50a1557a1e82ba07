"""Sharing of a batch on this machine: worker processes, or for a large model threads."""

import dataclasses
from typing import Any

from ..config.costs import model_costs
from ..config.run import TrainConfig
from ..datasets import Dataset
from ..datasets.in_threads import MAX_THREADS, cores
from .gradients import Gradients
from .lockstep import InThreads
from .parallel import Team, resolve_workers
from .ranks import Ranks

LARGE = 20_000_000  # parameters, from which on the gradients that each process has of its own take too much memory


def with_workers(config: TrainConfig, device: str) -> TrainConfig:
    """The config with a number of processes in place of "auto", which is left where threads share a large model.

    Raises:
        UserError: more than one was asked for on a GPU.
    """
    if device == "cpu" and has_threads(config):
        return config
    return dataclasses.replace(config, workers=resolve_workers(config, device))


def shared_gradients(config: TrainConfig, dataset: Dataset, model: Any, ranks: Ranks | None = None) -> Gradients:
    """Gradients of `model`, whose parameters are moved into one vector; the config is one of `with_workers`."""
    if config.workers == "auto":
        return InThreads(config, dataset, model, min(cores(), MAX_THREADS))
    return Team(config, dataset, model, ranks)


def has_threads(config: TrainConfig) -> bool:
    """Whether threads share the batch: of a classifier so large that processes would need too much memory."""
    if config.workers != "auto" or config.distributed or config.task != "classify":
        return False
    return sum(cost.parameters for cost in model_costs(config.model).values()) >= LARGE
