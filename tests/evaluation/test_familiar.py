"""The Mahalanobis distance to what was learned: by a slow loop, in odd cases, and of a model whose data is elsewhere."""

from pathlib import Path

import numpy as np
import pytest

from tinyvit.evaluation import familiar
from tinyvit.evaluation.familiar import familiar_digits, features_of, measured
from tinyvit.evaluation.pages import WITHOUT, DigitReader
from tinyvit.training import load_classifier

MODEL = Path(__file__).parents[2] / "data" / "mnist-vit"


@pytest.mark.parametrize(("n", "D", "K"), [(60, 3, 2), (200, 7, 5), (90, 11, 3)])
def test_distances_are_those_of_a_loop(rng, n, D, K):
    labels, guesses = rng.integers(0, K, n), rng.integers(0, K, 20)
    features = rng.standard_normal((n, D)) @ rng.standard_normal((D, D)) + 3.0 * rng.standard_normal((K, D))[labels]
    new = 4.0 * rng.standard_normal((20, D))
    means = [features[labels == k].mean(axis=0) for k in range(K)]
    covariance = sum(np.outer(x - means[k], x - means[k]) for x, k in zip(features, labels, strict=True)) / n
    wanted = [(x - means[k]) @ np.linalg.solve(covariance, x - means[k]) for x, k in zip(new, guesses, strict=True)]
    np.testing.assert_allclose(measured(features, labels, K).distances(new, guesses), wanted, rtol=1e-6)


def test_what_does_not_vary_is_at_no_distance(rng):
    labels = rng.integers(0, 3, 40)
    clouds = measured(np.ones((40, 5)), labels, 3)
    np.testing.assert_array_equal(clouds.distances(np.ones((40, 5)), labels), 0.0)


def test_features_are_what_the_head_is_given():
    model, preprocessing = load_classifier(MODEL)
    images = np.random.default_rng(0).integers(0, 255, (5, 1, 28, 28), np.uint8)
    logits = features_of(model, preprocessing, images) @ model.head.weight + model.head.bias
    from tinyvit.datasets import normalize

    np.testing.assert_allclose(
        logits, model.predict(normalize(images, preprocessing.mean, preprocessing.std, model.dtype)), atol=1e-4
    )


def test_without_the_data_it_is_said_once(monkeypatch):
    monkeypatch.setattr(familiar, "is_at_hand", lambda name: False)
    model, preprocessing = load_classifier(MODEL)
    assert familiar_digits(model, preprocessing) is None
    notes = []
    reader = DigitReader(model, preprocessing, notes.append)
    assert reader.familiar is reader.familiar is None
    assert notes == [WITHOUT]


def test_numbers_that_overflow_are_no_distance():
    model, preprocessing = load_classifier(MODEL)
    model.load_state_dict({name: 1e30 * weight for name, weight in model.state_dict().items()})
    with np.errstate(all="ignore"):
        assert familiar_digits(model, preprocessing) is None
