"""Answers for a whole split, by a thread per core."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import one_matrix_thread
from ..config.run import RunConfig
from ..datasets import Dataset
from ..datasets.in_threads import in_threads
from .task import ALL, TOKENS_AT_ONCE, Task


def split_answers(task: Task[Any], config: RunConfig, model: Any, dataset: Dataset, split: str) -> np.ndarray:
    """`task.answers` for all examples of a split, float32 (n, R); a GPU answers all at once."""
    n = len(getattr(dataset, split))
    if model.device != "cpu" or not n:
        return task.answers(config, model, dataset, split, ALL)
    return on_all_cores(lambda rows: task.answers(config, model, dataset, split, rows), n, task.num_tokens(config))


def on_all_cores(answers: Callable[[slice], np.ndarray], n: int, num_tokens: int) -> np.ndarray:
    """`answers(rows)` for `n` examples of so many tokens, (n, R), on the CPU.

    Each core has a thread, which answers a few examples at a time; always the same ones together, so that the bits
    depend on no number of cores.
    """
    size = max(1, TOKENS_AT_ONCE // num_tokens)
    few = [slice(first, min(n, first + size)) for first in range(0, n, size)]
    with one_matrix_thread():
        return np.concatenate(list(in_threads(answers, few)))
