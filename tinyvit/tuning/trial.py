"""A trial: an ordinary training run in a folder of its own, which ends before the test split is touched."""

import contextlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ..config.run import RunConfig, TrainConfig
from ..storage.metrics import measure_of
from ..tasks import task_of
from ..training import Progress, train

Say = Callable[[str], None]
Report = Callable[[int, float], bool]  # of an epoch and its score: whether to stop
Track = Callable[[Progress], Progress]  # trackers put behind what a run reports to


class TrialOver(Exception):
    """The last epoch is saved, or the trial is pruned. What is left of a run is its test, which is no trial's."""


class _Trial(Progress):
    """Reports epochs, and ends the run after the last one, or when it is told to."""

    def __init__(self, report: Report, say: Say):
        self.report, self.say = report, say
        self.scores: list[float] = []
        self.pruned = False

    def note(self, sentence: str) -> None:
        self.say(sentence)

    def start(self, config: RunConfig, folder: Path, *, images_per_epoch: int, images_done: int) -> None:
        self.epochs = config.epochs

    def epoch(self, metrics: dict[str, Any], best: bool) -> None:
        self.scores.append(metrics[measure_of(metrics)])
        last = metrics["epoch"] == self.epochs
        self.pruned = self.report(metrics["epoch"], self.scores[-1]) and not last
        if self.pruned or last:
            raise TrialOver


def run_trial(config: TrainConfig, free: Collection[str], report: Report, say: Say, track: Track) -> float | None:
    """The score of a run, the dev measure of the epoch that it would test, or None if it was pruned.

    The test split is read with the data, and nothing is computed from it.

    Raises:
        UserError: as `train`.
    """
    trial = _Trial(report, say)
    with contextlib.suppress(TrialOver):
        train(config, progress=track(trial), free=free)
    scores = trial.scores
    if trial.pruned:
        return None
    return scores[-1] if task_of(config).keeps == "last" else max(scores)
