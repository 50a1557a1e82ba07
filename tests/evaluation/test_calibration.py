"""The expected calibration error against one added up by hand."""

import numpy as np
import pytest

from tinyvit.evaluation.calibration import calibration


def test_a_table_added_up_by_hand():
    # bins of a fifth:    (0.2, 0.4]  (0.4, 0.6]      (0.8, 1]
    confidence = np.array([0.30, 0.40, 0.45, 0.55, 0.50, 0.90, 1.00, 0.85, 0.95, 0.90])
    right = np.array([True, False, False, False, True, True, True, True, False, True])
    counts, sure, accuracy, error = calibration(confidence, right, num_bins=5)
    np.testing.assert_array_equal(counts, [0, 2, 3, 0, 5])
    np.testing.assert_allclose(sure, [0, 0.35, 0.5, 0, 0.92])
    np.testing.assert_allclose(accuracy, [0, 1 / 2, 1 / 3, 0, 4 / 5])
    assert error == pytest.approx((2 * 0.15 + 3 * (0.5 - 1 / 3) + 5 * 0.12) / 10)


def test_too_sure_in_one_bin_does_not_offset_another():
    assert calibration(np.array([0.25, 0.75]), np.array([True, False]), num_bins=2).error == pytest.approx(0.75)


def test_a_bin_ends_with_its_upper_edge():
    edges = np.arange(1, 16) / 15
    np.testing.assert_array_equal(calibration(edges, edges > 0).counts, np.ones(15))
    np.testing.assert_array_equal(calibration(np.nextafter(edges[:-1], 1), edges[:-1] > 0).counts, [0] + [1] * 14)


def test_a_probability_rounded_above_1_is_in_the_last_bin():
    assert calibration(np.array([np.nextafter(np.float32(1), np.float32(2))]), np.array([True])).counts[-1] == 1


def test_of_a_calibrated_model_little_is_left(rng):
    confidence = rng.random(200_000)
    assert calibration(confidence, rng.random(200_000) < confidence).error < 0.01
    assert calibration(confidence, rng.random(200_000) < confidence**2).error == pytest.approx(1 / 6, abs=0.01)
