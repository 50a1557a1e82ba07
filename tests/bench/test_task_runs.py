"""Whole runs of tasks: which are made, what is told of them, and the table."""

import dataclasses
import functools
import json
import re

import pytest

from tests.support.small_run import SMALL_MODEL, small_dataset
from tinyvit.bench import task_runs
from tinyvit.cli import main
from tinyvit.config.digit_tasks import ContinualConfig as Continual
from tinyvit.config.distillation import DistillConfig
from tinyvit.config.mae import MAEConfig, TransferConfig
from tinyvit.training import start

STEADY = dataclasses.replace(SMALL_MODEL, drop_path_rate=0.0)
ENCODER = dataclasses.replace(SMALL_MODEL, num_classes=0, pool="mean", drop_path_rate=0.0)


@pytest.fixture
def small(monkeypatch):
    """Runs of a fraction of a second."""
    short = {"epochs": 1, "batch_size": 32, "workers": 1}
    mae = functools.partial(MAEConfig, model=ENCODER, decoder_embed_dim=8, decoder_num_heads=2, **short)
    transfer = functools.partial(TransferConfig, model=dataclasses.replace(ENCODER, num_classes=10), **short)
    continual = functools.partial(Continual, model=STEADY, classes_per_task=5, **short | {"epochs": 2})
    distill = functools.partial(DistillConfig, model=STEADY, **short)
    configs = {"mae": mae, "continual": continual, "distill": distill}
    monkeypatch.setattr(task_runs, "task_config", lambda task: configs[task])
    monkeypatch.setattr(task_runs, "TransferConfig", transfer)
    monkeypatch.setattr(task_runs, "LABELS", (10, 20))
    dataset = small_dataset()
    monkeypatch.setattr(start, "load_dataset", lambda *args, **kwargs: dataset)


def test_an_encoder_is_fine_tuned_beside_random_weights(small, capsys):
    assert main(["bench", "--tasks", "mae", "--runs", "2"]) == 0
    out, err = capsys.readouterr()
    assert err.count("seed 0: ") == err.count("seed 1: ") == 5
    names = [line.split(" | ")[0][2:] for line in out.splitlines() if line.startswith("| ")]
    assert names == ["Run", "mae"] + [
        f"transfer, {labels} labels, from {begins}" for labels in (10, 20) for begins in ("mae", "random weights")
    ]


def test_replay_stands_beside_the_other_methods(small, capsys):
    assert main(["bench", "--tasks", "continual", "--runs", "1"]) == 0
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    names = list(dict.fromkeys(line[0][2:] for line in lines))
    assert names == ["Run", "continual", "continual, naive", "continual, ewc", "continual, lwf"]
    assert {line[1] for line in lines[1:]} >= {"accuracy", "task_il"}


def test_a_student_stands_beside_the_same_by_labels_alone(small, capsys, monkeypatch):
    whole, seen = task_runs.train, []
    monkeypatch.setattr(task_runs, "train", lambda config: seen.append(config) or whole(config))
    assert main(["bench", "--tasks", "distill", "--runs", "1", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [run["name"] for run in runs] == ["distill", "distill, labels alone"]
    taught, alone = seen
    assert taught.alpha > 0 == alone.alpha
    assert dataclasses.replace(alone, alpha=taught.alpha, output=taught.output) == taught


def test_the_table_has_means_and_deviations():
    runs = [
        task_runs.TaskRun("detect", seed, 60.0 * (seed + 1), 1234, {"map50": value, "map": value / 2})
        for seed, value in enumerate((0.9, 0.92, 0.94))
    ]
    lines = task_runs.table(runs).splitlines()
    assert lines[2] == "| detect | map50 | 0.9200 ± 0.0200 | 0.9000, 0.9200, 0.9400 | 2.0 | 1,234 |"
    assert lines[3].startswith("| detect | map | 0.4600 ± 0.0100 |")
    assert "± 0.0000" in task_runs.table(runs[:1])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--tasks", "juggle"], "no task called 'juggle'"),
        (["--tasks", "mae", "--profile"], "--tasks does not go with --profile"),
    ],
)
def test_what_cannot_be_run(flags, said, capsys):
    assert main(["bench", *flags]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["detect", "--against", "torch"], "times the tasks mae, segment, generate.*got detect"),
        (["mae", "read", "tag", "--against", "torch"], "got read, tag: leave that out"),
        (["mae", "--against", "torch", "--runs", "2"], "times single steps of tasks, got --runs 2"),
        (["nothing", "--against", "torch"], "there is no task called 'nothing'"),
    ],
)
def test_what_is_not_timed_against_pytorch_is_told(flags, said, capsys):
    assert main(["bench", "--tasks", *flags]) == 2
    assert re.search(said, capsys.readouterr().err)
