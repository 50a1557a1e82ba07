"""A search with the real Optuna: the same values again, processes side by side, one that is killed, and no look at test."""

import dataclasses
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import environment, small_run
from tinyvit.cli import main
from tinyvit.errors import UserError
from tinyvit.storage.metrics import read_metrics
from tinyvit.training import TrainingInterrupted, resume, start
from tinyvit.training.loop import Trainer
from tinyvit.training.tracking.tracking import Tracking
from tinyvit.tuning.settings import Settings, join

FLAGS = {"epochs": 1, "batch_size": 16, "embed_dim": 16, "num_heads": 2, "depth": 1, "workers": 1, "device": "cpu"}
SPACE = {"lr": "1e-4..1e-1:log", "patch_size": "7,14"}
SETTINGS = Settings(SPACE, flags=FLAGS, trials=3, winner_seeds=1)
pytestmark = pytest.mark.slow


@pytest.fixture
def search(monkeypatch):
    pytest.importorskip("optuna")
    from tinyvit.tuning.search import search

    dataset = small_run.small_dataset()
    monkeypatch.setattr(start, "load_dataset", lambda *args, **kwargs: dataset)
    return search


def begin(folder, trials, *more):
    """A process that searches in `folder`."""
    command = [sys.executable, str(small_run.__file__), "tune", "--output", str(folder), "--trials", str(trials)]
    command += [word for name, text in SPACE.items() for word in ("--space", f"{name}={text}")]
    command += [word for name, value in FLAGS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command += ["--winner-seeds", "1", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())


def study_of(folder):
    from tinyvit.tuning.study import Study

    return Study(folder, SETTINGS.dimensions(), 0)


def test_the_same_seed_tries_the_same_values(search, tmp_path):
    one = search(SETTINGS, tmp_path / "one")
    search(dataclasses.replace(SETTINGS, trials=1), tmp_path / "two")
    two = search(SETTINGS, tmp_path / "two")  # went on
    assert [trial.values for trial in one.trials] == [trial.values for trial in two.trials]
    assert [trial.score for trial in one.trials] == [trial.score for trial in two.trials]
    other = search(dataclasses.replace(SETTINGS, flags=FLAGS | {"seed": 1}, trials=1), tmp_path / "other")
    assert other.trials[0].values != one.trials[0].values
    with pytest.raises(UserError, match="another flags"):
        search(dataclasses.replace(SETTINGS, flags=FLAGS | {"epochs": 2}), tmp_path / "one")


def test_only_the_winner_meets_the_test_split(search, tmp_path, monkeypatch):
    tested, finish = [], Trainer._finish

    def spied(trainer):
        tested.append(trainer.files.folder.name)
        return finish(trainer)

    monkeypatch.setattr(Trainer, "_finish", spied)
    result = search(SETTINGS, tmp_path / "search")
    assert tested == [f"winner-trial-{result.best.number:03}-seed-1"]
    assert result.best.score == max(trial.score for trial in result.trials)
    assert result.measure == "dev_accuracy"
    run = tmp_path / "search" / "trial-000"
    assert not (run / "report.txt").exists()
    assert (
        resume(run).epochs[0]["dev_accuracy"] == result.trials[0].score
    )  # an ordinary run, which can go on to its test
    assert search(SETTINGS, tmp_path / "search").scores == result.scores  # nothing is left to do


def test_trials_and_the_winner_are_tracked_like_runs(search, tmp_path):
    known = {}

    class Tracker:
        def __init__(self, run):
            self.id, self.told = run.folder.name, []
            known[self.id] = self

        def log(self, values, step):
            self.told += [values["dev_accuracy"]] if "dev_accuracy" in values else []

        def close(self, *, finished):
            self.finished = finished

    result = search(SETTINGS, tmp_path, track=lambda progress: Tracking(progress, {"ours": Tracker}))
    for trial in result.trials:
        assert known.pop(f"trial-{trial.number:03}").told == [trial.score]
    (winner,) = known.values()
    assert winner.id == f"winner-trial-{result.best.number:03}-seed-1"
    assert winner.finished


def test_values_that_do_not_go_together_are_told_and_counted(search, tmp_path):
    said = []
    settings = dataclasses.replace(
        SETTINGS, space={"num_heads": "2,3"}, trials=4, flags={k: v for k, v in FLAGS.items() if k != "num_heads"}
    )
    result = search(settings, tmp_path, say=said.append)
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert 0 < len(failed) < 4
    assert all(trial.values["num_heads"] == 3 for trial in failed)
    assert sum("failed: " in line and "heads" in line for line in said) == len(failed)


@pytest.mark.parametrize("pruning", [True, False])
def test_a_trial_that_falls_behind_is_pruned(search, tmp_path, pruning):
    """After its second epoch, the first in which Optuna may."""
    settings = dataclasses.replace(SETTINGS, trials=6, flags=FLAGS | {"epochs": 3})
    join(settings, tmp_path)
    study = study_of(tmp_path)
    for _ in range(5):
        trial, _ = study.begin(5)
        assert not any(study.report(trial, epoch, 0.9 + epoch / 100) for epoch in (1, 2, 3))
        study.finish(trial, 0.93)
    result = search(settings, tmp_path, pruning=pruning)
    assert [trial.state for trial in result.trials] == ["finished"] * 5 + ["pruned" if pruning else "finished"]
    epochs = read_metrics(tmp_path / "trial-005")
    assert len(epochs) == (2 if pruning else 3)
    assert result.trials[5].score in [epoch["dev_accuracy"] for epoch in epochs]
    assert ("5 finished, 1 pruned" in (tmp_path / "report.txt").read_text()) == pruning


def test_ctrl_c_gives_the_values_back(search, tmp_path, monkeypatch):
    from tinyvit.tuning import search as module

    with monkeypatch.context() as here:
        here.setattr(module, "run_trial", lambda *args: (_ for _ in ()).throw(TrainingInterrupted("stopped")))
        with pytest.raises(TrainingInterrupted, match=f"go on with tinyvit tune --resume {tmp_path}"):
            search(SETTINGS, tmp_path)
    (stopped,) = study_of(tmp_path).trials()
    result = search(dataclasses.replace(SETTINGS, trials=1), tmp_path)
    assert [trial.state for trial in result.trials] == ["killed", "finished"]
    assert result.trials[1].values == stopped.values


@pytest.mark.process
def test_a_kill_loses_at_most_one_trial(search, tmp_path):
    folder = tmp_path / "search"
    first = begin(folder, 3)
    deadline = time.monotonic() + 120
    while not (folder / "trial-001" / "config.json").exists() and time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.01)
    first.kill()
    first.communicate()
    before = study_of(folder).trials()
    assert [trial.state for trial in before] == ["finished", "running"]
    with open(folder / "study.jsonl", "ab") as file:
        file.write(b'{"op_code": 5, "wor')  # and a power cut left half a line
    second = begin(folder, 3)
    output, _ = second.communicate(timeout=240)
    assert second.returncode == 0, output
    after = study_of(folder).trials()
    assert sorted(trial.state for trial in after) == ["finished", "finished", "finished", "killed"]
    assert after[0] == before[0]
    assert after[1].state == "killed"
    assert after[1].values in [trial.values for trial in after[2:]]
    assert "test accuracy of the winner, 1 other seed" in output
    assert {path.name for path in (folder / "figures").iterdir()} >= {"history.png", "parallel.png"}


@pytest.mark.process
def test_processes_share_a_search(search, tmp_path):
    folder = tmp_path / "search"
    both = [begin(folder, 4) for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    trials = study_of(folder).trials()
    assert [trial.state for trial in trials] == ["finished"] * 4
    told = [re.findall(r"^trial +(\d+) +finished", output, re.MULTILINE) for output in outputs]
    assert sorted(map(int, told[0] + told[1])) == [0, 1, 2, 3]  # each by one of them
    assert any("test accuracy of the winner" in output for output in outputs)


def test_optuna_is_asked_for_in_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.chdir(tmp_path)
    assert main(["tune", "--space", "lr=1e-4..1e-2"]) == 2
    assert "pip install 'tinyvit[tune]'" in capsys.readouterr().err
    assert list(Path(tmp_path).iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "at least one"),
        (["--space", "lr"], "write NAME=VALUES"),
        (["--space", "lr=-1..1"], "at least 0"),
        (["--space", "lr=1,2", "--lr", "1"], "lr is tuned and given"),
        (["--space", "lr=1,2", "--space", "lr=1,3"], "given twice"),
        (["--space", "lr=1,2", "--mask-ratio", "0.5"], "flag of --task mae"),
        (["--resume", "nowhere"], "holds no tune.json"),
    ],
)
def test_a_bad_command_gets_one_sentence(search, monkeypatch, capsys, tmp_path, flags, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", *flags]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
