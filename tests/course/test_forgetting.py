"""The solved lesson 24 shows what its words say."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

SOLVED = Path(__file__).parents[2] / "lessons" / "solutions" / "24_learning_without_forgetting.ipynb"
OUTPUTS = [o for cell in nbformat.read(SOLVED, 4).cells for o in cell.get("outputs", ())]
PRINTED = "".join(o.get("text", "") for o in OUTPUTS)
TABLE = {
    name.strip(): (float(among_all), float(told))
    for name, among_all, told in re.findall(
        r"^(.+?) +class-incremental +([\d.]+) %, task-incremental +([\d.]+) %", PRINTED, re.MULTILINE
    )
}


def test_only_replay_helps_where_no_task_is_told():
    others = [TABLE[name][0] for name in TABLE if not name.startswith("replay")]
    assert len(others) == 5
    assert max(others) < 25
    assert TABLE["replay, 100"][0] > 1.5 * max(others)


def test_all_ways_help_where_the_task_is_told():
    assert min(told for name, (_, told) in TABLE.items() if name != "naive") > TABLE["naive"][1] + 5


def test_the_lazy_one_is_ahead_in_each_run():
    runs = [
        tuple(map(float, row))
        for row in re.findall(r"replay ([\d.]+)%, lazy ([\d.]+)%, nearest pixels ([\d.]+)%", PRINTED)
    ]
    assert len(runs) == 3
    for replay, lazy, nearest in runs:
        assert 100 - lazy < 0.75 * (100 - replay)
        assert nearest > lazy


def test_fisher_tells_how_far_answers_move():
    rows = re.findall(r"^ *\d+, \d +([\d.]+) +([\d.]+) +([\d.]+)$", PRINTED, re.MULTILINE)
    assert len(rows) == 3
    for apart, fisher, square in (map(float, row) for row in rows):
        assert abs(apart - fisher) <= 0.01 * fisher + 1e-4
        assert square <= 0.1 * fisher
