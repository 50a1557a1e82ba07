"""The runs of lesson 26 are those of its plan and can be made again; the solved lesson shows what its words say."""

import re
from pathlib import Path

import numpy as np
import pytest

from tinyvit.course import scaling

SOLVED = Path(__file__).parents[2] / "lessons" / "solutions" / "26_scaling.ipynb"


@pytest.fixture(scope="module")
def printed():
    nbformat = pytest.importorskip("nbformat")
    outputs = [o for cell in nbformat.read(SOLVED, 4).cells for o in cell.get("outputs", ())]
    return "".join(o.get("text", "") for o in outputs)


def found(pattern, printed):
    return [float(number.replace(",", "")) for number in re.findall(pattern, printed, re.MULTILINE)]


def test_the_table_has_each_run_of_the_plan_once():
    planned = [(*run, seed) for seed in scaling.SEEDS for run in dict.fromkeys(scaling.plan())]
    assert [run[:4] for run in scaling.runs()] == planned
    assert scaling.TABLE.stat().st_size < 10_000


def test_runs_of_a_budget_cost_the_same():
    for budget in scaling.BUDGETS:
        costs = [scaling.work(width) * scaling.images_for(width, budget) for width in scaling.WIDTHS]
        assert max(costs) < 1.01 * min(costs)


@pytest.mark.slow
def test_a_row_of_the_table_is_made_again():
    run = next(run for run in scaling.runs() if (run.width, run.images, run.seed) == (24, 509, 1))
    made = scaling.dev_loss(scaling.train(run.width, run.images, run.seen, run.seed))
    assert abs(made - run.loss) < 0.01


@pytest.mark.slow
def test_the_command_writes_the_table_that_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(scaling, "TABLE", tmp_path / "scaling.csv")
    monkeypatch.setattr(scaling, "plan", lambda: iter([(4, 64, 64), (6, 32, 96), (4, 64, 64)]))
    scaling.main()
    made = scaling.runs()
    assert [run[:4] for run in made] == [(w, n, m, s) for s in scaling.SEEDS for w, n, m in ((4, 64, 64), (6, 32, 96))]
    assert all(1 < run.loss < 5 for run in made)


def test_few_images_come_equally_often():
    rows = scaling.draw(500, 40, 160, np.random.default_rng(0))
    assert rows.shape == (5, scaling.BATCH)
    assert {*np.unique(rows, return_counts=True)[1]} == {4}
    assert len(np.unique(rows)) == 40
    once = scaling.draw(500, 100, 100, np.random.default_rng(0))
    assert len(np.unique(once)) == once.size == 96


def test_a_straight_line_fits_what_is_no_power_law(printed):
    straight = found(r"R² ([\d.]+); at x = 1000", printed)
    assert len(straight) == 3
    assert min(straight) > 0.97


def test_the_floor_predicts_what_was_held_out(printed):
    line, floor, measured = map(
        float, re.search(r"line says ([\d.]+), with a floor ([\d.]+); measured ([\d.]+)", printed).groups()
    )
    assert abs(floor / measured - 1) < 0.03
    assert line < 0.8 * measured


def test_the_best_model_grows_slowly(printed):
    assert 0.05 < found(r"best N grows like C to the power ([\d.]+)$", printed)[0] < 0.3


def test_wide_models_are_better_on_few_images_too(printed):
    losses = [float(one) for one in re.search(r"^ +300 +(.+)$", printed, re.MULTILINE)[1].split()]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.6 * losses[0]


def test_the_rate_of_the_narrow_spoils_the_wide(printed):
    own, hurried = zip(*re.findall(r"its own rate ([\d.]+), the rate of width 4 ([\d.]+)", printed), strict=True)
    assert float(own[0]) > float(own[-1])
    assert float(hurried[-1]) > 1.3 * float(own[-1])
    assert float(hurried[-1]) > 1.1 * float(hurried[1])
