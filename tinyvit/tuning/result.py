"""Outcome of a search, and its trials in words."""

from pathlib import Path
from typing import Any, NamedTuple

from ..storage.metrics import measure_of, read_metrics
from .study import Trial


class Result(NamedTuple):
    """Outcome of a search.

    Attributes:
        scores: of the winner's runs with other seeds on the test split, 0..1.
    """

    folder: Path
    trials: list[Trial]
    best: Trial
    measure: str
    scores: list[float]
    importance: dict[str, float]


def trial_folder(folder: Path, number: int) -> Path:
    """Folder of the run of a trial."""
    return folder / f"trial-{number:03}"


def measure_in(folder: Path, trial: Trial) -> str:
    """Name of the measure by which trials are compared."""
    epochs = read_metrics(trial_folder(folder, trial.number))
    return measure_of(epochs[0]) if epochs else "dev_score"


def told(trial: Trial) -> str:
    """A trial in a line."""
    values = " ".join(f"{name}={in_short(value)}" for name, value in trial.values.items())
    score = "" if trial.score is None else f"{100 * trial.score:6.2f} %"
    return f"trial {trial.number:>3}   {trial.state:<8} {score:>8}   {values}"


def in_short(value: Any) -> str:
    """A value of an option as a flag takes it; of a number four digits."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
