"""Progress that trackers listen to; the id by which each knows the run is kept in the run's folder."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ...config.run import RunConfig
from ...errors import UserError
from ...storage.files import read_json, to_json, write_file
from ...storage.run_folder import TRACKING
from ..progress import Progress


class Tracker(Protocol):
    """One run, in the keeping of one tracker. Any of these may raise any exception."""

    id: str  # by which the tracker finds the same run again

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Metrics after `step` steps of the optimizer."""

    def close(self, *, finished: bool) -> None:
        """Nothing more will come; `finished`: all epochs are done."""


class Beginning(NamedTuple):
    """Description of a run for its trackers, as it begins or goes on."""

    folder: Path
    config: RunConfig
    id: str | None  # the tracker's own, from before, of a run that goes on
    step: int  # so many are done; what was told of later ones, before a kill, comes again


Open = Callable[[Beginning], Tracker]


class Tracking(Progress):
    """Tells `inner` everything, and trackers the metrics of epochs and the mean loss of an epoch so far."""

    def __init__(self, inner: Progress, openers: Mapping[str, Open]):
        self.inner, self.openers = inner, openers
        self.trackers: dict[str, Tracker] = {}
        self.steps = 0
        self.finished = False

    def note(self, sentence: str) -> None:
        self.inner.note(sentence)

    def start(self, config: RunConfig, folder: Path, *, images_per_epoch: int, images_done: int) -> None:
        self.inner.start(config, folder, images_per_epoch=images_per_epoch, images_done=images_done)
        self.steps = images_done // min(config.batch_size, images_per_epoch)
        self.epochs, self.finished = config.epochs, False
        ids = self._ids(folder)
        for name, open_run in self.openers.items():
            with self._without(name):
                self.trackers[name] = tracker = open_run(Beginning(folder, config, ids.get(name), self.steps))
                ids[name] = tracker.id
                write_file(folder / TRACKING, to_json(ids))  # before the next, which may take its time

    def step(self, images: int, loss: float | None) -> None:
        self.inner.step(images, loss)
        self.steps += 1
        if loss is not None:
            self._log({"running_train_loss": loss})

    def epoch(self, metrics: dict[str, Any], best: bool) -> None:
        self.finished = metrics["epoch"] == self.epochs
        self._log(metrics)
        self.inner.epoch(metrics, best)  # which may end the run

    def stop(self) -> None:
        self.inner.stop()
        for name, tracker in list(self.trackers.items()):
            with self._without(name):
                tracker.close(finished=self.finished)
        self.trackers.clear()

    def _log(self, values: Mapping[str, float]) -> None:
        for name, tracker in list(self.trackers.items()):
            with self._without(name):
                tracker.log(values, self.steps)

    def _ids(self, folder: Path) -> dict[str, str]:
        """Of each tracker that knows the run already."""
        try:
            saved = read_json(folder / TRACKING) if (folder / TRACKING).exists() else {}
        except UserError as error:
            self.note(f"the trackers begin this run anew: {error}")
            saved = {}
        return {name: id for name, id in saved.items() if isinstance(id, str) and id}

    @contextlib.contextmanager
    def _without(self, name: str) -> Iterator[None]:
        """Inside, whatever the tracker `name` raises is told, and the run goes on without it."""
        try:
            yield
        except (Exception, SystemExit) as error:
            self.trackers.pop(name, None)
            why = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
            self.note(f"{name} no longer follows this run, which goes on without it: {why}")
