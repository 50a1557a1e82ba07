"""The result of a detection, told and drawn."""

import numpy as np
import pytest

from tinyvit.datasets import Split
from tinyvit.datasets.boxes import NO_CLASS
from tinyvit.evaluation.detection import Detection

NONE = [0, 0, 0, 0, NO_CLASS, 0]
TRUTH = np.array([[[0, 0, 4, 4, 0], [10, 10, 15, 18, 1]], [[2, 2, 6, 6, 0], [0, 0, 0, 0, NO_CLASS]]], np.float32)
FOUND = np.array([
    [[0, 0, 4, 4, 0, 0.9], [10, 10, 15, 18, 0, 0.6], NONE],  # the second is right but for its class
    [[2, 2, 6, 5, 0, 0.8], NONE, NONE],  # IoU 0.75
])  # fmt: skip
ANSWERS = np.concatenate([FOUND.reshape(2, -1), [[1.0], [2.0]]], axis=1).astype(np.float32)


@pytest.fixture
def result():
    return Detection.of(ANSWERS, TRUTH, 3)


def test_measures_are_cocos(result):
    """Class 0 is found whole up to an IoU of 0.75, and half above it; class 1 never; class 2 is not there."""
    strict = 51 / 101
    mean = (6 * 1.0 + 4 * strict) / 10 / 2
    assert result.measures == {"map": pytest.approx(mean), "map50": pytest.approx(0.5)}
    assert result.loss == 1.5
    assert result.in_words == f"mAP {100 * mean:.2f} % (IoU 0.5 to 0.95), 50.00 % (IoU 0.5), loss 1.5000"
    assert result.details == "mAP 50.00 % (IoU 0.75), AP of boxes of any class 100.00 % (IoU 0.5)"


def test_parts_joined_are_the_whole(result):
    parts = [Detection.of(ANSWERS[rows], TRUTH[rows], 3) for rows in (slice(0, 1), slice(1, 2))]
    joined = Detection.joined(parts)
    assert joined.measures == result.measures
    assert (joined.loss, joined.num_classes) == (1.5, 3)


def test_the_report_has_each_class_that_is_there(result):
    lines = result.report(("one", "two\x1b[2J", "three")).splitlines()
    assert lines[0].split() == ["AP", "AP50", "AP75", "boxes"]
    assert lines[2].split() == ["one", "0.8020", "1.0000", "1.0000", "2"]
    assert lines[3].split()[1:] == ["0.0000", "0.0000", "0.0000", "1"]
    assert "\x1b" not in lines[3]
    assert lines[5].split() == ["mean", "0.4010", "0.5000", "0.5000", "3"]


@pytest.mark.parametrize("M", [0, 2])
def test_without_a_box_there_is_nothing_to_measure(M):
    truth = np.full((2, M, 5), NO_CLASS, np.float32)
    nothing = Detection.of(ANSWERS, truth, 3)
    assert nothing.measures == {"map": 0.0, "map50": 0.0}
    assert len(nothing.report(("a", "b", "c")).splitlines()) == 2
    assert nothing.figures(Split(np.zeros((2, 1, 8, 8), np.uint8), truth), ("a", "b", "c"))


def test_its_figure_has_a_curve_for_each_class(result):
    split = Split(np.zeros((2, 1, 20, 20), np.uint8), TRUTH)
    figure = result.figures(split, ("one", "two", "three"))["average_precision"]
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["one: 80.2 %", "two: 0.0 %", "mean"]
