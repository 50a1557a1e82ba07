"""Spearman's rank correlation: the values of scipy 1.17.1's `spearmanr`, and what has no order."""

import math

import numpy as np
import pytest

from tinyvit.looking import rank_correlation

SCIPY = [
    ([3.1, -2.0, 0.5, 7.25, 1.0], [1.0, 2.0, 0.0, 9.0, -4.0], 0.3),
    ([0, 0, 0, 1, 2, 2, 5.0], [0, -1, 3, 3, 3, 0, 8.0], 0.5980392156862745),
    ([0.0, -0.0, 1, 1e-300, -1e300, 4], [2, 2, 2, 1, 0, 2.5], 0.7084472691787521),
    ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5.0], -0.8633970960424556),
]


@pytest.mark.parametrize(("a", "b", "wanted"), SCIPY)
def test_as_scipy(a, b, wanted):
    for x, y in ((a, b), (b, a)):
        assert math.isclose(rank_correlation(np.array(x), np.array(y)), wanted, rel_tol=1e-12)


def test_only_the_order_counts(rng):
    a = rng.standard_normal((3, 5))
    assert math.isclose(rank_correlation(a, np.exp(3 * a)), 1.0)
    assert math.isclose(rank_correlation(a, -(a**3)), -1.0)


@pytest.mark.parametrize("flat", [np.zeros(4), np.full(4, 3.5)])
def test_no_order_to_compare(flat, rng):
    assert math.isnan(rank_correlation(flat, rng.random(4)))
    assert math.isnan(rank_correlation(rng.random(4), flat))
