"""Forgetting against a loop, and the cases that are known."""

import numpy as np
import pytest

from tinyvit.evaluation.metrics.forgetting import average_accuracy, forgetting


def test_all_is_forgotten():
    matrix = np.eye(4)
    assert forgetting(matrix) == 1.0
    assert average_accuracy(matrix) == 0.25


def test_nothing_is_forgotten():
    matrix = np.tril(np.ones((3, 3)))
    assert forgetting(matrix) == 0.0
    assert average_accuracy(matrix) == 1.0


def test_one_task_and_none():
    assert forgetting(np.array([[0.9, 0.0]])) == 0.0
    assert average_accuracy(np.array([[0.9, 0.0]])) == 0.9
    assert average_accuracy(np.zeros((0, 3))) == forgetting(np.zeros((0, 3))) == 0.0


@pytest.mark.parametrize("t", [2, 3, 5])
def test_random_matrices(t, rng):
    matrix = np.tril(rng.random((t, 5)))
    lost = [max(matrix[i, j] for i in range(t - 1)) - matrix[t - 1, j] for j in range(t - 1)]
    assert forgetting(matrix) == pytest.approx(sum(lost) / (t - 1))
    assert average_accuracy(matrix) == pytest.approx(sum(matrix[t - 1, j] for j in range(t)) / t)


def test_a_task_that_gets_better_forgets_less_than_nothing():
    assert forgetting(np.array([[0.5, 0.0], [0.7, 0.9]])) == pytest.approx(-0.2)
