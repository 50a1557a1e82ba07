"""`tinyvit bench --sizes`: accuracy of a recipe against the number of parameters, printed and drawn."""

import argparse
from pathlib import Path
from statistics import mean
from typing import Any

from .bench_tasks import SEEDS, machine
from .output import complain


def bench_sizes(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Train the recipe with models of many sizes, all else as it says."""
    from ..bench.sizes import SizedRun, mean_accuracy, plot_sizes, sized_runs
    from ..plots.figure import made_place

    def note(run: SizedRun) -> None:
        complain(f"{run.parameters:,} parameters, seed {run.seed}: {run.accuracy:.2f} %; {run.seconds:.0f} s")

    made_place(options.output)  # rather told now than after hours
    runs = sized_runs(options.recipe, seeds=options.runs or SEEDS, note=note)
    plot_sizes(runs, options.recipe, Path(options.output))
    lines = [f"{'parameters':>10}{'width':>7}{'blocks':>8}{'heads':>7}{'seconds':>10}{'test accuracy':>16}  each"]
    for parameters, accuracy in mean_accuracy(runs).items():
        mine = [run for run in runs if run.parameters == parameters]
        seconds, each = mean(run.seconds for run in mine), ", ".join(f"{run.accuracy:.2f}" for run in mine)
        shape = f"{mine[0].embed_dim:>7}{mine[0].depth:>8}{mine[0].num_heads:>7}"
        lines.append(f"{parameters:>10,}{shape}{seconds:>10.1f}{accuracy:>14.2f} %  {each}")
    lines += ["", f"drawn in {options.output}"]
    result = {"recipe": options.recipe, "machine": machine(), "runs": [run._asdict() for run in runs]}
    return result, "\n".join(lines)
