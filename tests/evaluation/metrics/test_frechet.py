"""The Fréchet distance, against its formula for one feature, a root that is not symmetric, and SciPy's where it is."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.evaluation.metrics.frechet import frechet_distance


def features(rng, n, D):
    return rng.standard_normal((n, D)) @ rng.standard_normal((D, D)) + 3 * rng.standard_normal(D)


def by_eigenvalues(first, second):
    """The trace of (C1 C2)^½ from the eigenvalues of the product itself, which is not symmetric."""
    C1, C2 = np.cov(first.T), np.cov(second.T)
    roots = np.sqrt(np.linalg.eigvals(C1 @ C2).astype(complex)).real.sum()
    return ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(C1 + C2) - 2 * roots


@pytest.mark.parametrize(("n", "m", "D"), [(50, 40, 3), (200, 300, 8), (30, 9, 5), (64, 64, 2)])
def test_another_way_to_the_root_gives_the_same(n, m, D, rng):
    first, second = features(rng, n, D), features(rng, m, D)
    assert frechet_distance(first, second) == pytest.approx(by_eigenvalues(first, second), rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(frechet_distance(first, second), rel=1e-9)


def test_scipys_root_gives_the_same(rng):
    sqrtm = pytest.importorskip("scipy.linalg").sqrtm
    first, second = features(rng, 300, 12), features(rng, 200, 12)
    C1, C2 = np.cov(first.T), np.cov(second.T)
    mean = ((first.mean(0) - second.mean(0)) ** 2).sum()
    wanted = mean + np.trace(C1 + C2 - 2 * sqrtm(C1 @ C2).real)
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-8)


def test_one_feature_has_the_distance_of_mean_and_deviation(rng):
    first, second = 2 * rng.standard_normal((70, 1)) + 1, rng.standard_normal((50, 1)) - 3
    wanted = (first.mean() - second.mean()) ** 2 + (first.std(ddof=1) - second.std(ddof=1)) ** 2
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("n", "D"), [(40, 6), (4, 9), (2, 3)])  # also fewer samples than features
def test_no_distance_from_itself_and_a_shift_counts_squared(n, D, rng):
    first = features(rng, n, D)
    scale = first.var()
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6 * scale)
    assert frechet_distance(first, first[::-1] + 2.0) == pytest.approx(4 * D, abs=1e-6 * scale)


def test_features_all_alike_have_no_variance():
    assert frechet_distance(np.ones((5, 3)), np.full((4, 3), 3.0)) == pytest.approx(12)


def test_float32_and_integers_are_computed_in_float64(rng):
    first, second = features(rng, 50, 4) + 1e4, features(rng, 60, 4) + 1e4
    narrow = frechet_distance(first.astype(np.float32), second.astype(np.float32))
    assert narrow == pytest.approx(frechet_distance(first, second), rel=1e-3)
    assert frechet_distance(np.array([[0], [2]]), np.array([[1], [3]])) == pytest.approx(1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4))),
        (np.zeros((1, 2)), np.zeros((3, 2))),
        (np.zeros((3, 2)), np.zeros((0, 2))),
        (np.zeros(3), np.zeros(3)),
        (np.zeros((3, 0)), np.zeros((3, 0))),
    ],
)
def test_other_shapes_are_refused(first, second):
    with pytest.raises(UserError, match=r"features must be \(n, D\) and \(m, D\) of at least two samples"):
        frechet_distance(first, second)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_number_has_no_distance(bad, rng):
    first = features(rng, 5, 3)
    first[2, 1] = bad
    with pytest.raises(UserError, match="no finite number"):
        frechet_distance(np.zeros((4, 3)), first)
