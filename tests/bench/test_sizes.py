"""Accuracy against parameters: which models are trained, what is said of them, and the figure."""

import json

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer
from tinyvit.bench import runs
from tinyvit.bench.records import row
from tinyvit.bench.sizes import SIZES, mean_accuracy, sized_runs
from tinyvit.cli import build_parser, main
from tinyvit.errors import UserError
from tinyvit.training.recipes import configured


@pytest.fixture
def commands(monkeypatch):
    """The commands of the runs that would have been started; each is better than the one before."""
    seen = []

    def timed(command):
        seen.append(command[2:])
        return 10.0 * len(seen), f"test accuracy {80 + len(seen) / 2:.2f} %"

    monkeypatch.setattr(runs, "timed", timed)
    return seen


@pytest.mark.parametrize("recipe", ["fast", "best"])
def test_parameters_are_those_of_the_model_that_is_trained(recipe, commands):
    found = sized_runs(recipe, seeds=2)
    assert [(run.embed_dim, run.depth, run.num_heads, run.seed) for run in found] == [
        (*size, seed) for size in SIZES for seed in (0, 1)
    ]
    for run, command in zip(found, commands, strict=True):
        options = vars(build_parser().parse_args(command[1:]))
        assert options["recipe"] == recipe
        assert options["seed"] == run.seed
        shape = {name: options[name] for name in ("embed_dim", "depth", "num_heads", "stem")}
        model = VisionTransformer(configured(recipe, "classify", None, shape).model)
        assert run.parameters == model.num_parameters()
    assert found[0].parameters < 2_000
    assert 190_000 < found[-1].parameters < 200_000


def test_means_are_over_seeds_of_a_size(commands):
    means = mean_accuracy(sized_runs("fast", seeds=2))
    assert list(means) == sorted(means)
    assert len(means) == len(SIZES)
    assert list(means.values()) == [80.75 + i for i in range(len(SIZES))]


def test_sizes_are_printed_and_drawn(commands, tmp_path, capsys):
    assert (
        main(["bench", "--sizes", "--recipe", "fast", "--runs", "2", "--output", str(tmp_path / "new" / "a.png")]) == 0
    )
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[1].split() == ["1,850", "8", "2", "2", "15.0", "80.75", "%", "80.50,", "81.00"]
    assert len(lines) == 1 + len(SIZES) + 2
    assert err.count("\n") == 2 * len(SIZES)
    assert "1,850 parameters, seed 1: 81.00 %; 20 s" in err
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert np.asarray(image).std() > 1


def test_three_seeds_are_usual_and_json_holds_every_run(commands, tmp_path, capsys):
    assert main(["bench", "--sizes", "--json", "--output", str(tmp_path / "a.png")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["runs"]) == 3 * len(SIZES)
    line = row("sizes", result, "a machine")
    assert "| 1,850 parameters 81.00 ± 0.50 %, 3," in line
    assert "| 0, 1, 2 | a machine |" in line


def test_a_run_that_fails_ends_it(monkeypatch):
    def timed(command):
        raise UserError("a benchmark process failed")

    monkeypatch.setattr(runs, "timed", timed)
    with pytest.raises(UserError, match="a benchmark process failed"):
        sized_runs("fast", seeds=1)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--recipe", "slow"], "there is no recipe called 'slow'"),
        (["--runs", "0"], "--runs must be at least 1, got 0"),
        (["--output", "file/a.png"], "file"),
    ],
)
def test_what_cannot_be_measured(flags, said, commands, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder")
    assert main(["bench", "--sizes", *flags]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert commands == []
