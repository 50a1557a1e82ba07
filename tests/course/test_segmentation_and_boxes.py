"""The solved lesson 21 shows what its words say."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

SOLVED = Path(__file__).parents[2] / "lessons" / "solutions" / "21_segmentation_and_boxes.ipynb"
OUTPUTS = [o for cell in nbformat.read(SOLVED, 4).cells for o in cell.get("outputs", ())]
PRINTED = "".join(o.get("text", "") for o in OUTPUTS)
GUESSED = "".join(o.get("data", {}).get("text/markdown", "") for o in OUTPUTS)


def outcome(words):
    """What came out where a guess was asked for."""
    return float(re.search(rf"^\| {re.escape(words)} \|.*\| \*\*([-\d.]+)\*\* \|$", GUESSED, re.MULTILINE)[1])


def measured():
    """Pixel accuracy and mean IoU, in %: background everywhere, after part A, after part B."""
    return [tuple(map(float, row)) for row in re.findall(r"pixel accuracy ([\d.]+) %, mean IoU ([\d.]+) %", PRINTED)]


def test_nothing_found_is_nearly_all_right():
    (accuracy, miou), (_, trained), (_, both) = measured()
    assert accuracy > 85
    assert miou == pytest.approx(accuracy / 4, abs=0.1)
    assert miou + 30 < trained < both


def test_a_coarse_map_is_a_bound():
    assert 60 < outcome("% mean IoU of the best possible 6 x 6 map, resampled") < 75


def test_weights_undone_are_best_for_accuracy():
    rows = re.findall(r"^ +(-?\d\.\d\d) +([\d.]+) +([\d.]+) % +([\d.]+) %$", PRINTED, re.MULTILINE)
    assert len(rows) == 5
    assert max(rows, key=lambda row: float(row[2]))[1] == "1"
    assert max(rows, key=lambda row: float(row[3]))[1] == "3"


def test_a_box_swells_before_it_shrinks():
    assert outcome("times its area at the start, the largest on the way") > 10


def test_focal_loss_is_silent_at_the_start():
    rows = {p: (float(a), float(b)) for p, a, b in re.findall(r"^ +(0\.\d+) +([\d.]+) % +([\d.]+) %$", PRINTED, re.M)}
    assert rows["0.5"][0] == rows["0.5"][1] > 90
    assert rows["0.01"][0] < 30
    assert rows["0.01"][1] < 0.1


def test_precision_is_the_packages():
    assert float(re.search(r"differ from these by at most (\S+) points", PRINTED)[1]) < 1e-9
    ap50, ap75 = map(float, re.search(r"all: +AP50 ([\d.]+) %, AP75 ([\d.]+) %", PRINTED).groups())
    assert 40 < ap50 < 60
    assert ap75 < 15
    assert ap50 - 8 < outcome("% AP50 without non-maximum suppression") < ap50


def test_focal_loss_brings_little_here():
    means = {g: float(mean) for g, mean in re.findall(r"^gamma = (\d): AP50 .*mean ([\d.]+) %$", PRINTED, re.M)}
    assert abs(means["2"] - means["0"]) < 2.5
    assert means["5"] < means["2"]
