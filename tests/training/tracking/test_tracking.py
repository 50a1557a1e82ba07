"""Trackers beside a run: told everything, found again when it goes on, and never in its way."""

import dataclasses
import itertools
import json
import sys
from pathlib import Path

import pytest

from tests.support import others_slow
from tests.support.notes import Notes, weights_in
from tinyvit.errors import UserError
from tinyvit.training import TrainingInterrupted, resume, train
from tinyvit.training.tracking import TRACKERS, tracked, trackers_of
from tinyvit.training.tracking.tracking import Tracking


class Diary:
    """A tracker that writes down what it is told, and breaks where `breaks` says."""

    def __init__(self, breaks=(), error=RuntimeError):
        self.runs, self.told, self.closed, self.breaks, self.error = [], [], [], breaks, error
        self.id = "nr 1"

    def open_run(self, run):
        self.break_in("open")
        self.runs.append(run)
        return self

    def log(self, values, step):
        self.break_in("log")
        self.told.append((step, dict(values)))

    def close(self, *, finished):
        self.break_in("close")
        self.closed.append(finished)

    def break_in(self, where):
        if where in self.breaks:
            raise self.error("the line\nis dead")


class Stops(Notes):
    def epoch(self, metrics, best):
        raise TrainingInterrupted("enough")


def test_a_tracker_is_told_epochs_and_losses(small_config):
    diary, notes = Diary(), Notes()
    history = train(small_config, progress=Tracking(notes, {"diary": diary.open_run}))
    (run,) = diary.runs
    assert (run.folder, run.id, run.step) == (history.folder, None, 0)
    assert run.config.epochs == 2
    assert diary.closed == [True]
    epochs = [(step, values) for step, values in diary.told if "epoch" in values]
    assert epochs == [(6, history.epochs[0]), (12, history.epochs[1])]
    losses = [(step, values["running_train_loss"]) for step, values in diary.told if "epoch" not in values]
    assert losses == [(6, history.epochs[0]["train_loss"]), (12, history.epochs[1]["train_loss"])]
    assert notes.begun == (192, 0)  # the bar is told as ever
    assert len(notes.epochs) == 2
    assert json.loads((history.folder / "tracking.json").read_text()) == {"diary": "nr 1"}


def test_a_run_that_goes_on_is_the_same_to_its_tracker(small_config):
    diary = Diary()
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=Tracking(Stops(), {"diary": diary.open_run}))
    assert diary.closed == [False]
    resume(small_config.output, progress=Tracking(Notes(), {"diary": diary.open_run}))
    assert [(run.id, run.step) for run in diary.runs] == [(None, 0), ("nr 1", 6)]
    assert [step for step, values in diary.told if "epoch" in values] == [6, 12]
    assert diary.closed == [False, True]


@pytest.mark.parametrize(
    ("where", "error"), others_slow(itertools.product(["log", "open", "close"], [RuntimeError, SystemExit, OSError]))
)
def test_a_broken_tracker_is_told_once_and_left(small_config, where, error):
    broken, whole, notes = Diary([where], error), Diary(), Notes()
    history = train(small_config, progress=Tracking(notes, {"broken": broken.open_run, "whole": whole.open_run}))
    (note,) = [note for note in notes.notes if "broken" in note]
    assert note == "broken no longer follows this run, which goes on without it: the line"
    assert len(whole.told) == 4
    assert whole.closed == [True]
    assert (history.folder / "report.txt").exists()


def test_tracking_leaves_the_weights_as_they_are(small_config, tmp_path):
    plain = train(dataclasses.replace(small_config, output=str(tmp_path / "plain")))
    other = train(small_config, progress=Tracking(Notes(), {"diary": Diary().open_run}))
    assert other.epochs == plain.epochs
    for name, array in weights_in(plain.folder / "last").items():
        assert (weights_in(other.folder / "last")[name] == array).all()


@pytest.mark.parametrize("content", others_slow(["{", "[1]", '{"diary": 7}', '{"diary": ""}', '{"diary": null}']))
def test_a_damaged_tracking_file_costs_the_id_alone(small_config, content):
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=Stops())
    path = Path(small_config.output) / "tracking.json"
    path.write_text(content)
    diary, notes = Diary(), Notes()
    resume(small_config.output, progress=Tracking(notes, {"diary": diary.open_run}))
    assert diary.runs[0].id is None
    assert any("begin this run anew" in note for note in notes.notes) == (content in ("{", "[1]"))
    assert json.loads(path.read_text()) == {"diary": "nr 1"}


def test_a_run_that_replaces_another_is_another_to_its_tracker(small_config):
    for _ in range(2):
        diary = Diary()
        history = train(small_config, overwrite=True, progress=Tracking(Notes(), {"diary": diary.open_run}))
        assert diary.runs[0].id is None
    (history.folder / "tensorboard").mkdir()
    train(small_config, overwrite=True)
    assert not (history.folder / "tensorboard").exists()
    assert not (history.folder / "tracking.json").exists()


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_is_named_with_its_extra(name, monkeypatch):
    package = {"tensorboard": "tensorboardX"}.get(name, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"tinyvit.training.tracking.{name}", raising=False)
    with pytest.raises(UserError, match=rf"pip install 'tinyvit\[{name}\]'"):
        tracked(None, [name])


def test_no_tracker_is_imported_unasked():
    progress = Notes()
    assert tracked(progress, []) is progress
    with pytest.raises(UserError, match="no tracker called 'tensorbord': choose from tensorboard, wandb"):
        tracked(progress, ["tensorbord"])


def test_a_folder_tells_its_trackers(tmp_path):
    assert trackers_of(tmp_path) == []
    (tmp_path / "tracking.json").write_text('{"wandb": "7", "fax": "8", "tensorboard": "tensorboard"}')
    assert trackers_of(tmp_path) == ["tensorboard", "wandb"]
