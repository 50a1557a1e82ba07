"""The benchmark measures what it says. That it measures well is not for tests to say: they assert no times."""

import dataclasses
import importlib.util
import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from tinyvit.bench import Series, cluster, fit_exponent, in_turn, peaks, profile, scaling, speed
from tinyvit.bench.scaling import plot_scaling
from tinyvit.bench.setting import one_batch
from tinyvit.bench.speed import check_same, started
from tinyvit.bench.tinyvit_side import training_team
from tinyvit.config import ViTConfig
from tinyvit.config.costs import model_costs
from tinyvit.errors import UserError

SMALL = ViTConfig(img_size=(8, 12), patch_size=4, in_chans=2, num_classes=3, embed_dim=8, depth=2, num_heads=2)


def test_runs_are_taken_in_turn():
    log = []
    times = in_turn({"a": lambda: log.append("a"), "b": lambda: log.append("b")}, rounds=2)
    assert log == ["a", "b"] * 5  # three rounds warm up
    assert list(times) == ["a", "b"]
    assert Series.of([1.0, 2.0, 3.0]).median == 2.0


def test_a_power_is_found():
    assert fit_exponent([1, 2, 4, 8], [3, 12, 48, 192]) == pytest.approx(2)


def test_a_step_trains_on_one_batch():
    with training_team(SMALL, 5, workers=1) as (team, step):
        first = team.compute(0)
        for _ in range(20):
            step()
        assert float(team.compute(0)) < float(first)
    assert one_batch(SMALL, 5).train.images.shape == (5, 2, 8, 12)


@pytest.mark.slow
def test_speed_reports_everything():
    times, memory = speed(SMALL, batch_size=4, rounds=1, workers=2)
    assert list(times) == [
        "inference, batch 1", "inference, batch 4", "train step, batch 4", "import", "first training step",
    ]  # fmt: skip
    assert all(list(sides) == ["tinyvit"] for sides in times.values())
    assert memory["tinyvit"] > 10


@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_a_profile_accounts_for_every_product_of_the_model(stem):
    config = dataclasses.replace(SMALL, stem=stem)
    rows = profile(config, batch_size=3, rounds=1)
    forward = sum(row.flops for row in rows if row.name.endswith("forward"))
    assert forward == 3 * sum(cost.flops for cost in model_costs(config).values())
    assert sum(row.flops for row in rows) == 3 * forward
    best = peaks(rounds=1)
    assert best.flops > 1e8
    assert best.bytes > 1e8


@pytest.mark.slow
def test_scaling_varies_one_size_at_a_time(tmp_path):
    points = scaling(SMALL, batch_size=8, rounds=1, max_workers=2)
    values = {kind: [p.value for p in points if p.what == kind] for kind in {p.what for p in points}}
    assert values == {
        "batch": [2, 4, 8, 16], "tokens": [7, 13, 19, 25], "width": [4, 8, 16, 32], "depth": [1, 1, 2, 4], "workers": [1, 2],
    }  # fmt: skip
    memory = [p.mebibytes for p in points if p.what == "batch"]
    assert memory[-1] > memory[0]
    plot_scaling(points, tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("changes", "batch_size", "sentence"),
    [
        ({}, 1, "--batch-size must be at least 4, got 1"),
        ({}, 3, "--batch-size must be at least 4, got 3"),
        ({"embed_dim": 6}, 8, "--embed-dim must be a multiple of 4 with 2 heads, got 6"),
        ({"embed_dim": 3, "num_heads": 1}, 8, "--embed-dim must be a multiple of 2 with 1 heads, got 3"),
        ({"embed_dim": 12, "pos_embed": "sincos2d"}, 8, "--embed-dim must be a multiple of 8 with 2 heads, got 12"),
    ],
)
def test_sizes_too_small_to_divide_are_refused_by_their_flag(changes, batch_size, sentence):
    with pytest.raises(UserError, match=sentence):
        scaling(dataclasses.replace(SMALL, **changes), batch_size=batch_size, rounds=1, max_workers=1)


def test_the_least_batch_can_be_scaled():
    assert len(scaling(SMALL, batch_size=4, rounds=1, max_workers=1)) == 17


def test_a_cluster_costs_what_the_formula_says():
    points = {(p.ranks, p.gigabits): p for p in cluster(SMALL, compute_seconds=0.01)}
    parameters = sum(cost.parameters for cost in model_costs(SMALL).values())
    assert points[1, 10].wire_bytes == 0
    assert points[1, 10].seconds == 0.01
    assert points[4, 10].wire_bytes == 1.5 * 4 * parameters
    assert points[4, 10].seconds == pytest.approx(0.01 + 1.5 * 4 * parameters * 8 / 10e9 + 4 * 20e-6)
    assert points[1024, 100].efficiency == pytest.approx(0.01 / points[1024, 100].seconds)


def test_without_pytorch_a_comparison_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs PyTorch, .* pip install 'tinyvit\[parity\]'"):
        speed(SMALL, batch_size=4, rounds=1, workers=1, against="torch")


class Answers:
    """A side that has computed already."""

    def __init__(self, loss, **grads):
        self.loss, self.grads = loss, grads

    def ask(self, command):
        save_file(self.grads, command["gradients"])
        return self.loss


def test_sides_that_differ_are_not_timed(rng):
    grads = rng.standard_normal((3, 4)).astype(np.float32)
    check_same({"tinyvit": Answers(2.0, a=grads), "PyTorch": Answers(2.0001, a=grads + np.float32(1e-5))})
    for loss, change in ((2.1, 0.0), (2.0, 0.01), (float("nan"), 0.0)):
        other = Answers(loss, a=grads + np.float32(change))
        with pytest.raises(UserError, match=r"differ by .* nothing was timed"):
            check_same({"tinyvit": Answers(2.0, a=grads), "PyTorch": other})


def test_a_side_that_fails_is_told(capfd):
    settings = {"tinyvit": {"side": "tinyvit", "config": {"depth": -1}, "batch_size": 1}}
    with started(settings) as sides, pytest.raises(UserError, match="a side of the benchmark has failed"):
        sides["tinyvit"].ask({"memory": True})
    said = capfd.readouterr().err
    assert "depth must be" in said
    assert "Traceback" not in said


def test_the_command_prints_a_table_or_json(capsys):
    from tinyvit.cli import main

    flags = ["--img-size", "8x12", "--patch-size", "4", "--embed-dim", "8", "--num-heads", "2", "--batch-size", "4"]
    assert main(["bench", "--rounds", "1", *flags]) == 0
    assert "inference, batch 1" in capsys.readouterr().out
    assert main(["bench", "--rounds", "1", "--json", "--profile", *flags]) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)["ops"]} > {"gelu backward", "attention forward"}
    assert main(["bench", "--rounds", "1", "--cluster", "--workers", "1", *flags]) == 0
    assert "1,024" in capsys.readouterr().out
    assert main(["bench", "--profile", "--cluster"]) == 2
    assert main(["bench", "--rounds", "0"]) == 2
    assert main(["bench", "--workers", "0"]) == 2
    assert main(["bench", "--num-classes", "0"]) == 2
