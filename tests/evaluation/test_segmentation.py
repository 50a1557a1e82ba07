"""The result of a segmentation, told and drawn."""

import numpy as np
import pytest

from tinyvit.datasets import Split
from tinyvit.evaluation.segmentation import Segmentation

CONFUSIONS = np.array([[[8, 1, 0], [0, 4, 0], [0, 0, 0]], [[9, 0, 2], [1, 5, 0], [0, 0, 0]]])
LOSSES = np.array([0.5, 1.5])
ANSWERS = np.concatenate([CONFUSIONS.reshape(2, 9), LOSSES[:, None]], axis=1).astype(np.float32)


@pytest.fixture
def result():
    return Segmentation.of(ANSWERS)


def test_pixels_of_all_images_are_counted(result):
    np.testing.assert_array_equal(result.confusion, CONFUSIONS.sum(axis=0))
    assert result.loss == 1.0
    assert result.measures == {"miou": pytest.approx((17 / 21 + 9 / 11 + 0) / 3)}
    assert result.in_words == "mean IoU 54.26 %, loss 1.0000"
    assert result.details == "without the background 40.91 %, pixel accuracy 86.67 %"


def test_parts_joined_are_the_whole(result):
    joined = Segmentation.joined([Segmentation.of(ANSWERS[:1]), Segmentation.of(ANSWERS[1:])])
    np.testing.assert_array_equal(joined.confusion, result.confusion)
    assert joined.loss == result.loss


@pytest.mark.parametrize("names", [("sky", "cat", "dog"), ("cat", "dog")])
def test_the_report_has_each_class_that_occurs(result, names):
    lines = result.report(names).splitlines()
    assert lines[0].split() == ["IoU", "precision", "recall", "pixels"]
    assert lines[2].split() == ["sky" if len(names) == 3 else "background", "0.8095", "0.9444", "0.8500", "20"]
    assert lines[3].split() == ["cat", "0.8182", "0.9000", "0.9000", "10"]
    assert lines[4].split() == ["dog", "0.0000", "0.0000", "0.0000", "0"]  # predicted, and never true
    assert lines[6].split()[0] == "mean"


def test_what_does_not_occur_is_not_in_it():
    answers = np.array([[3, 0, 0, 0, 0.25]])
    assert [line.split()[0] for line in Segmentation.of(answers).report(["a", "b"]).splitlines() if line] == [
        "IoU", "a", "mean",
    ]  # fmt: skip
    assert Segmentation.of(np.array([[0, 0, 0, 0, 0.25]])).report(["a", "b\x1b[2J"]).count("\n") == 2


def test_its_figure_is_the_confusion_of_pixels(result):
    split = Split(np.zeros((2, 1, 3, 5), np.uint8), np.zeros((2, 3, 5), np.uint8))
    figure = result.figures(split, ("cat", "dog"))["confusion"]
    assert "26 of 30 right" in figure.get_suptitle()
