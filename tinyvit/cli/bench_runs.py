"""`tinyvit bench --runs`: whole training runs of a recipe, beside those of another and of PyTorch, printed."""

import argparse
import statistics
from typing import Any

from ..errors import UserError


def bench_runs(config: Any, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Time and test accuracy of each run; the model is the recipe's own."""
    from ..bench.runs import check_twin, time_ratios, whole_runs
    from ..training import recipe

    configs = [recipe(name) for name in (options.recipe, options.baseline) if name is not None]
    if options.baseline == options.recipe:
        raise UserError(f"--baseline is another recipe than --recipe, got {options.recipe} twice: leave it out")
    if options.against:
        check_twin(configs[-1])
    runs = whole_runs(options.recipe, seeds=options.runs, baseline=options.baseline, against=options.against)
    lines = [f"{'side':<20}{'seed':>6}{'seconds':>10}{'test accuracy':>16}"]
    lines += [f"{run.side:<20}{run.seed:>6}{run.seconds:>10.1f}{run.accuracy:>14.2f} %" for run in runs]
    for side in dict.fromkeys(run.side for run in runs):
        mine = [run for run in runs if run.side == side]
        seconds, accuracy = (statistics.mean(x) for x in ([r.seconds for r in mine], [r.accuracy for r in mine]))
        lines.append(f"{side:<20}{'mean':>6}{seconds:>10.1f}{accuracy:>14.2f} %")
    lines += [f"time over that of {side}: {ratio:.2f}" for side, ratio in time_ratios(runs).items()]
    return {"recipe": options.recipe, "runs": [run._asdict() for run in runs]}, "\n".join(lines)
