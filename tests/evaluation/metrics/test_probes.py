"""Linear probe and nearest neighbours: scikit-learn's values, and what is refused."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.evaluation.metrics.linear_probe import fitted_weights, linear_probe
from tinyvit.evaluation.metrics.neighbours import nearest_neighbours


def blobs(n, seed, spread=2.0, K=4, D=6):
    middles = np.random.default_rng(0).standard_normal((K, D))
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, n)
    return middles[labels] + spread * rng.standard_normal((n, D)), labels


def loss(x, labels, weight, bias, penalty):
    logits = x @ weight + bias
    logits -= logits.max(axis=1, keepdims=True)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -log_probs[np.arange(len(x)), labels].mean() + penalty / 2 * (weight**2).sum()


@pytest.mark.parametrize(("n", "penalty"), [(30, 0.01), (200, 0.1), (200, 0.003)])
def test_the_weights_are_those_of_scikit_learn(n, penalty):
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, labels = blobs(n, 1)
    theirs = linear_model.LogisticRegression(C=1 / (penalty * n), tol=1e-10, max_iter=10_000).fit(x, labels)
    weight, bias = fitted_weights(x, labels, 4, penalty=penalty)
    np.testing.assert_allclose(weight, theirs.coef_.T, atol=1e-4)
    np.testing.assert_allclose(bias - bias.mean(), theirs.intercept_ - theirs.intercept_.mean(), atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_no_step_away_from_the_weights_is_better(seed):
    x, labels = blobs(80, seed)
    weight, bias = fitted_weights(x, labels, 4)
    least, rng = loss(x, labels, weight, bias, 0.01), np.random.default_rng(seed)
    for size in (1e-1, 1e-2, 1e-3):
        moved = loss(x, labels, weight + size * rng.standard_normal(weight.shape), bias + size * rng.standard_normal(4), 0.01)  # fmt: skip
        assert moved > least


@pytest.mark.parametrize("k", [1, 3, 10, 1000])
def test_neighbours_are_those_of_scikit_learn(k):
    neighbors = pytest.importorskip("sklearn.neighbors")
    (x, labels), (test, wanted) = blobs(150, 1), blobs(1200, 2)
    mean = x.mean(axis=0)
    theirs = (
        neighbors.KNeighborsClassifier(min(k, 150), metric="cosine").fit(x - mean, labels).score(test - mean, wanted)
    )
    assert nearest_neighbours(x, labels, test, wanted, k) == pytest.approx(theirs, abs=1e-12)


def test_neighbours_by_brute_force():
    (x, labels), (test, wanted) = blobs(40, 3), blobs(30, 4)
    right = 0
    for row, true in zip(test - x.mean(axis=0), wanted, strict=True):
        centred = x - x.mean(axis=0)
        cosines = centred @ row / np.linalg.norm(centred, axis=1) / np.linalg.norm(row)
        votes = np.bincount(labels[np.argsort(-cosines)[:5]], minlength=4)
        right += votes.argmax() == true
    assert nearest_neighbours(x, labels, test, wanted, 5) == right / 30


@pytest.mark.parametrize("measure", [linear_probe, nearest_neighbours])
def test_features_of_a_class_are_told_apart(measure):
    (x, labels), (test, wanted) = blobs(200, 5, spread=0.05), blobs(100, 6, spread=0.05)
    assert measure(x, labels, test, wanted) == 1
    rng = np.random.default_rng(0)
    assert measure(x, rng.permutation(labels), test, wanted) < 0.6


@pytest.mark.parametrize("measure", [linear_probe, nearest_neighbours])
@pytest.mark.parametrize(
    "shapes", [((5, 3), (4,), (2, 3), (2,)), ((5, 3), (5,), (2, 4), (2,)), ((0, 3), (0,), (2, 3), (2,))]
)
def test_shapes_that_do_not_fit(measure, shapes):
    x, labels, test, wanted = map(np.ones, shapes)
    with pytest.raises(UserError, match="a probe takes features"):
        measure(x, labels.astype(int), test, wanted.astype(int))
