"""Measures of yes or no for each class, against numbers worked out by hand and by slow loops."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.evaluation.multi_label import average_precision, multi_label_report
from tinyvit.training import judge

# Three images of four classes; "none" is never true nor predicted, "extra" is predicted once and never true.
LABELS = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
PROBS = np.array([[0.9, 0.1, 0.2, 0.6], [0.4, 0.8, 0.1, 0.2], [0.5, 0.3, 0.3, 0.1]])
NAMES = ["sky", "sea", "none", "extra"]


def slow_average_precision(labels, scores):
    """The step under the curve at every distinct score, from the definition."""
    area, before = 0.0, 0.0
    for least in sorted(set(scores), reverse=True):
        found = scores >= least
        hits = (labels & found).sum()
        recall = hits / labels.sum()
        area += (recall - before) * hits / found.sum()
        before = recall
    return area


@pytest.mark.parametrize(
    ("labels", "scores", "wanted"),
    [
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 1 / 2 * 1 + 1 / 2 * 2 / 3),  # the example in scikit-learn's manual: 0.83
        ([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.1], 2 / 3),  # all true ones in one group of equal scores
        ([1, 0, 1], [0.7, 0.7, 0.2], 1 / 2 * 1 / 2 + 1 / 2 * 2 / 3),
        ([0, 1], [0.7, 0.7], 1 / 2),
        ([1, 0], [0.7, 0.7], 1 / 2),  # whatever the order
        ([1, 1], [0.0, 0.0], 1.0),
        ([0, 1], [0.9, 0.1], 1 / 2),
        ([1], [0.3], 1.0),
    ],
)
def test_average_precision_by_hand(labels, scores, wanted):
    assert average_precision(np.array(labels, bool), np.array(scores)) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("digits", [1, 8])
def test_average_precision_from_the_definition(digits, rng):
    for _ in range(20):
        labels, scores = rng.random(17) < 0.4, rng.random(17).round(digits)  # with many equal scores, or none
        if labels.any():
            assert average_precision(labels, scores) == pytest.approx(slow_average_precision(labels, scores), rel=1e-12)


def test_of_nothing_true_there_is_no_average_precision():
    assert np.isnan(average_precision(np.zeros(3, bool), np.array([0.1, 0.2, 0.3])))
    assert np.isnan(average_precision(np.zeros(0, bool), np.zeros(0)))


def test_the_mean_is_over_classes_that_are_there():
    result = judge(PROBS, LABELS)
    assert result.mean_average_precision == pytest.approx((5 / 6 + 1) / 2)  # sky: 1, then 2 of 3 found; sea: first
    truth = np.where(LABELS, PROBS, 1 - PROBS)
    assert result.loss == pytest.approx(-np.log(truth).mean(), rel=1e-12)
    assert result.measures == {"map": result.mean_average_precision}
    nothing = judge(PROBS, np.zeros_like(LABELS))
    assert nothing.mean_average_precision == 0  # and so the loss decides


def test_certain_and_wrong_is_expensive_and_finite():
    assert judge(np.array([[0.0, 1.0]], np.float32), np.array([[True, False]])).loss == pytest.approx(87.3, abs=0.1)


def test_the_report_by_hand():
    rows = {line[:12].strip(): line[12:].split() for line in multi_label_report(LABELS, PROBS, NAMES, 0.5).splitlines()}
    assert rows["sky"] == ["0.5000", "0.5000", "0.5000", "0.8333", "2"]
    assert rows["sea"] == ["1.0000", "1.0000", "1.0000", "1.0000", "1"]
    assert rows["extra"] == ["0.0000", "0.0000", "0.0000", "-", "0"]
    assert "none" not in rows
    assert rows["micro avg"] == ["0.5000", "0.6667", "0.5714", "-", "3"]  # 2 hits, 4 predicted, 3 true
    assert rows["macro avg"] == ["0.5000", "0.5000", "0.5000", "0.9167", "3"]
    assert rows["weighted avg"] == ["0.6667", "0.6667", "0.6667", "0.8889", "3"]
    # 1 of 2 predicted and 1 of 1 true; 1 of 1 and 1 of 2; nothing true and one predicted
    assert rows["samples avg"] == ["0.5000", "0.5000", "0.4444", "-", "3"]


def test_the_threshold_decides_and_is_told():
    text = multi_label_report(LABELS, PROBS, NAMES, 0.35)
    assert "threshold 0.35; all classes right on 33.33 % of the images; 16.67 % of all answers wrong" in text
    assert "1 of 4 classes are neither true nor predicted anywhere" in text
    assert "1 without a true image" in text
    exactly = judge(PROBS, LABELS, threshold=0.4).predictions
    assert exactly[1, 0], "a probability that is the threshold is a yes"


def test_nothing_true_and_nothing_predicted_is_reported_too():
    text = multi_label_report(np.zeros((2, 3), bool), np.full((2, 3), 0.1), ["a", "b", "c"], 0.5)
    assert "all classes right on 100.00 % of the images" in text
    assert "3 of 3 classes are neither" in text


@pytest.mark.parametrize(("labels", "probs"), [((3, 2), (3, 4)), ((3, 4), (2, 4)), ((3, 5), (3, 5))])
def test_shapes_that_do_not_fit_get_one_sentence(labels, probs):
    with pytest.raises(UserError, match="a column for each class name"):
        multi_label_report(np.zeros(labels, bool), np.zeros(probs), NAMES, 0.5)
