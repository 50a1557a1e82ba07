"""The result of reading, counted by hand."""

import numpy as np
import pytest

from tinyvit.evaluation.reading import Reading

NAMES = [str(digit) for digit in range(10)]


@pytest.fixture
def result():
    labels = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 0, 1]])
    predictions = labels.copy()
    predictions[1, 0], predictions[3, 0], predictions[3, 2] = 9, 6, 7
    return Reading(labels, predictions, np.array([0.1, 0.5, 0.2, 2.0]))


def test_a_row_is_right_if_all_of_it_is(result):
    assert result.measures == {"rows": 0.5, "digits": 0.75}
    assert result.loss == pytest.approx(0.7)
    assert result.in_words == "50.00 % of rows all right, 75.00 % of digits, loss 0.7000"
    assert result.details == "right by place, from the left: 50.00 %, 100.00 %, 75.00 %"


def test_parts_joined_are_the_whole(result):
    joined = Reading.joined([Reading(*(x[rows] for x in result)) for rows in (slice(0, 1), slice(1, 4))])
    for mine, theirs in zip(joined, result, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_report_and_figures(result):
    lines = [line.split() for line in result.report(NAMES).splitlines()]
    assert ["accuracy", "0.7500", "12"] in lines
    assert set(result.figures(None, NAMES)) == {"confusion"}
