"""A training step of a task's default recipe, timed in turn with PyTorch's."""

import math
from collections.abc import Sequence

from ..config.run import Workers
from ..config.tasks import task_config
from ..errors import UserError
from .setting import STEP
from .speed import LAUNCHES, check_opponent, check_same, started, times_in_turn
from .timing import Series

WITH_TWINS = ("mae", "segment", "generate")  # tasks that `torch_tasks` has in PyTorch


def task_speed(tasks: Sequence[str], *, rounds: int, workers: Workers = "auto") -> dict[str, dict[str, Series]]:
    """Seconds of a training step by task and by side, "tinyvit" and "PyTorch": batch, loss, gradients, AdamW.

    Raises:
        UserError: there is no such task, it has no twin, PyTorch is not installed, or sides do not compute the same.
    """
    configs = {task: task_config(task)() for task in tasks}
    if others := [task for task in tasks if task not in WITH_TWINS]:
        raise UserError(
            f"--against torch times the tasks {', '.join(WITH_TWINS)}, which are written in PyTorch, too, "
            f"got {', '.join(others)}: leave that out"
        )
    check_opponent("torch")
    times = {}
    for task, config in configs.items():
        settings = {
            side: {"side": side, "task": config.to_dict(), "workers": workers} for side in ("tinyvit", "PyTorch")
        }
        seconds: dict[str, list[float]] = {side: [] for side in settings}
        for _ in range(LAUNCHES):
            with started(settings) as sides:
                check_same(sides)
                times_in_turn(sides, STEP, math.ceil(rounds / LAUNCHES), seconds)
        times[task] = {side: Series.of(taken) for side, taken in seconds.items()}
    return times
