"""The result of continual learning, counted by hand."""

import numpy as np
import pytest

from tinyvit.evaluation.continual import Continual

TASKS = [(0, 1), (2, 3)]
LABELS = np.array([0, 0, 1, 2, 3, 3])
SAID = [0, 3, 3, 2, 3, 2]  # of all classes
SECOND = [1, 0, 0, 3, 2, 3]


@pytest.fixture
def result():
    probs = np.full((6, 4), 0.05)
    probs[np.arange(6), SECOND] = 0.2
    probs[np.arange(6), SAID] = 0.7
    return Continual.of(probs, LABELS, TASKS, np.array([[0.9, 0.0], [0.4, 0.8]]))


def test_accuracy_among_all_classes_and_among_those_of_the_task(result):
    np.testing.assert_allclose(result.of_tasks, [1 / 3, 2 / 3])
    assert result.measures == pytest.approx({"accuracy": 0.5, "task_il": 4 / 6, "task_1": 1 / 3, "task_2": 2 / 3})
    assert "class-incremental accuracy 50.00 %, task-incremental 66.67 %" in result.in_words


def test_forgetting_is_told_once_there_are_two_tasks(result):
    assert result.details == "on dev, forgetting 50.00 %, average accuracy of the tasks 60.00 %"
    assert result._replace(matrix=result.matrix[:1]).details == ""
    assert result._replace(matrix=np.zeros((0, 2))).details == ""


def test_parts_joined_are_the_whole(result):
    probs = np.eye(4)[[0, 1, 2, 3, 0, 1]]
    whole = Continual.of(probs, LABELS, TASKS, result.matrix)
    parts = [Continual.of(probs[rows], LABELS[rows], TASKS, result.matrix) for rows in (slice(0, 2), slice(2, 6))]
    assert Continual.joined(parts).measures == whole.measures
    assert Continual.joined(parts).report("abcd") == whole.report("abcd")


def test_the_report_has_the_matrix(result):
    lines = [line.split() for line in result.report("abcd").splitlines()]
    assert ["a/b", "c/d"] in lines
    assert ["a/b", "90.0", "0.0"] in lines
    assert ["c/d", "40.0", "80.0"] in lines


def test_figures(result, tmp_path):
    split = type("S", (), {"images": np.zeros((6, 1, 4, 4), np.uint8), "labels": LABELS})
    figures = result.figures(split, "abcd")
    assert {"forgetting", "confusion"} <= set(figures)
    figures["forgetting"].savefig(tmp_path / "f.png")
    assert {text.get_text() for text in figures["forgetting"].axes[0].texts} == {"90", "0", "40", "80"}
