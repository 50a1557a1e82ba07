"""Sharing of a batch on this machine: by worker processes, or for a large model by threads."""

from typing import Any

from ..config.costs import model_costs
from ..config.run import TrainConfig
from ..datasets import Dataset
from .gradients import Gradients
from .lockstep import InThreads
from .parallel import Team
from .ranks import Ranks

LARGE = 20_000_000  # parameters, from which on the gradients that each process has of its own take too much memory


def shared_gradients(config: TrainConfig, dataset: Dataset, model: Any, ranks: Ranks | None = None) -> Gradients:
    """Gradients of `model`, whose parameters are moved into one vector, by `config.workers` processes or threads."""
    if has_threads(config):
        return InThreads(config, dataset, model)
    return Team(config, dataset, model, ranks)


def has_threads(config: TrainConfig) -> bool:
    """Whether workers are threads: of a classifier so large that processes would need too much memory."""
    if config.task != "classify" or config.distributed or config.workers == 1:
        return False
    return sum(cost.parameters for cost in model_costs(config.model).values()) >= LARGE
