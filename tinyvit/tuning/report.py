"""Report and figures of a search, in its folder."""

import shlex
import statistics
from pathlib import Path

from ..plots import save_figure
from ..plots.tuning import Point, plot_history, plot_importance, plot_parallel
from ..storage.files import write_file
from ..storage.metrics import measure_in_words
from .result import Result, told, trial_folder
from .settings import Settings
from .space import Choices


def report(settings: Settings, result: Result) -> str:
    """Summary of the search, in lines; saved as `report.txt`."""
    best = result.best
    states = [trial.state for trial in result.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted({*states}))
    lines = [
        f"{len(states)} trials: {counts}",
        f"best on the dev (validation) split: {told(best)}",
        f"its run: {trial_folder(result.folder, best.number)}",
    ]
    if result.scores:
        mean = f"{100 * statistics.mean(result.scores):.2f}"
        many = len(result.scores) > 1
        spread = f" ± {100 * statistics.stdev(result.scores):.2f}" if many else ""
        seeds = f"{len(result.scores)} other seed{'s' * many}"
        name = measure_in_words(result.measure).removeprefix("dev ")
        lines.append(
            f"test {name} of the winner, {seeds}: {mean}{spread} %" + " (mean ± sample standard deviation)" * many
        )
    lines.append(f"train it: {command(settings, result)}")
    text = "\n".join(lines)
    write_file(result.folder / "report.txt", (text + "\n").encode())
    return text


def command(settings: Settings, result: Result) -> str:
    """The `tinyvit train` that has the winner's values."""
    words = ["tinyvit train"]
    words += [f"--recipe {settings.recipe}"] * (settings.recipe != "default")
    words += [f"--task {settings.task}"] * (settings.task != "classify")
    words += [f"--preset {settings.preset}"] * bool(settings.preset)
    for name, value in (settings.flags | result.best.values).items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            words.append(f"--{flag} {_exact(value)}")
    return " ".join(words)


def _exact(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, list | tuple) else shlex.quote(str(value))


def draw(settings: Settings, result: Result) -> list[Path]:
    """Save the figures in `figures/`; returns their paths."""
    dimensions = settings.dimensions()
    words = {
        name: {value: word for word, value in dimension.values.items()}
        for name, dimension in dimensions.items()
        if isinstance(dimension, Choices)
    }
    points = [
        Point(
            trial.number,
            trial.score,
            trial.state == "finished",
            {name: words[name][value] if name in words else value for name, value in trial.values.items()},
        )
        for trial in result.trials
        if trial.state in ("finished", "pruned") and trial.score is not None
    ]
    scales = {
        name: list(dimension.values) if isinstance(dimension, Choices) else dimension.log
        for name, dimension in dimensions.items()
    }
    measure = measure_in_words(result.measure)
    figures = {"history": plot_history(points, measure), "parallel": plot_parallel(points, scales, measure)}
    if result.importance:
        figures["importance"] = plot_importance(result.importance)
    paths = {name: result.folder / "figures" / f"{name}.png" for name in figures}
    for name, figure in figures.items():
        save_figure(figure, paths[name])
    return [*paths.values()]
