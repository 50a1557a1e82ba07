"""Whole runs: which sides take turns, with which recipe each, and how their times compare."""

import sys

import pytest

from tinyvit.bench import runs
from tinyvit.bench.runs import WholeRun, time_ratios, whole_runs
from tinyvit.cli import main


@pytest.fixture
def commands(monkeypatch):
    """The commands of the processes that would have been started; each takes 10 seconds more than the one before."""
    seen = []

    def timed(command):
        seen.append(command[2:])
        assert command[:2] == [sys.executable, "-m"]
        return 10.0 * len(seen), f"epoch 1\ntest accuracy {99 + len(seen) / 100:.2f} %"

    monkeypatch.setattr(runs, "timed", timed)
    return seen


def test_sides_take_turns(commands):
    found = whole_runs("quick", seeds=2, baseline="default", against="torch")
    assert [(run.side, run.seed) for run in found] == [
        (side, seed) for seed in (0, 1) for side in ("tinyvit", "tinyvit, default", "PyTorch")
    ]
    assert [run.seconds for run in found] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    assert found[2].accuracy == 99.03
    ours = [command[command.index("--recipe") + 1] for command in commands if command[0] == "tinyvit"]
    assert ours == ["quick", "default"] * 2
    assert len({command[-1] for command in commands if command[0] == "tinyvit"}) == 4  # a folder each
    assert commands[2] == ["tinyvit.bench.torch_run", "default", "0"]  # of the baseline


def test_without_a_baseline_pytorch_trains_the_recipe(commands):
    assert [run.side for run in whole_runs("best", seeds=1, against="torch")] == ["tinyvit", "PyTorch"]
    assert commands[1] == ["tinyvit.bench.torch_run", "best", "0"]


def test_the_ratio_is_the_median_over_seeds():
    seconds = {"tinyvit": (10.0, 30.0, 12.0), "PyTorch": (20.0, 40.0, 20.0)}
    found = [WholeRun(side, seed, times[seed], 99.0) for seed in range(3) for side, times in seconds.items()]
    assert time_ratios(found) == {"PyTorch": 0.6}
    assert time_ratios([run for run in found if run.side == "tinyvit"]) == {}


def test_runs_are_printed(commands, capsys):
    assert main(["bench", "--runs", "2", "--recipe", "quick", "--baseline", "default"]) == 0
    out = capsys.readouterr().out
    assert "tinyvit, default         1      40.0         99.04 %" in out
    assert out.endswith("time over that of tinyvit, default: 0.62\n")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--recipe", "slow"], "there is no recipe called 'slow'"),
        (["--baseline", "slow"], "there is no recipe called 'slow'"),
        (["--recipe", "fast", "--against", "torch"], "PyTorch's run has no opt muon: put it beside another recipe"),
        (["--baseline", "default"], "--baseline is another recipe than --recipe, got default twice: leave it out"),
    ],
)
def test_recipes_that_will_not_do(flags, said, commands, capsys):
    assert main(["bench", "--runs", "1", *flags]) == 2
    assert said in capsys.readouterr().err
    assert commands == []
