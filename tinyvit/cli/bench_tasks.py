"""`tinyvit bench --tasks`: what tasks reach, or how fast their training step is beside PyTorch's, printed."""

import argparse
import os
from typing import Any

from ..errors import UserError
from .output import complain

SEEDS = 3  # of whole runs, where --runs does not say it


def bench_tasks(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Whole runs, or with `--against torch` training steps; the model is each task's own."""
    return _steps(options) if options.against else _runs(options)


def _runs(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from ..bench.task_runs import TaskRun, all_tasks, table, task_runs

    def note(run: TaskRun) -> None:
        measures = ", ".join(f"{name} {value:.4f}" for name, value in run.measures.items())
        complain(f"{run.name}, seed {run.seed}: {measures}; {run.seconds / 60:.1f} min")

    runs = task_runs(options.tasks or all_tasks(), range(options.runs or SEEDS), note)
    return {"machine": machine(), "runs": [run._asdict() for run in runs]}, f"{machine()}\n\n{table(runs)}"


def _steps(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from ..bench.task_speed import WITH_TWINS, task_speed

    if options.runs:
        raise UserError(f"--against torch times single steps of tasks, got --runs {options.runs}: leave one out")
    times = task_speed(options.tasks or WITH_TWINS, rounds=options.rounds, workers=options.workers)
    lines = [machine(), "", f"{'training step':<16}{'tinyvit, ms':>12}{'PyTorch, ms':>12}{'ratio':>8}"]
    for task, sides in times.items():
        ours, theirs = sides["tinyvit"].median, sides["PyTorch"].median
        lines.append(f"{task:<16}{1000 * ours:>12.2f}{1000 * theirs:>12.2f}{ours / theirs:>8.2f}")
    lines += ["", "Medians; below 1 tinyvit is faster. Batches are made by the same code; loss and gradients agreed."]
    seconds = {task: {side: series._asdict() for side, series in sides.items()} for task, sides in times.items()}
    return {"machine": machine(), "seconds": seconds}, "\n".join(lines)


def machine() -> str:
    """Of what all figures depend on: cores, the kernels of the matrix library, NumPy."""
    import numpy as np
    from threadpoolctl import threadpool_info

    kernels = [f"{library['internal_api']} for {library['architecture']}, " for library in threadpool_info()
               if library.get("architecture")]  # fmt: skip
    return f"{os.cpu_count()} cores, {''.join(kernels[:1])}NumPy {np.__version__}"
