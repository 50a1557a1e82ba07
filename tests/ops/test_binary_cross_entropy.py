"""Sigmoid and binary cross-entropy by the book, and where the book's formula would overflow."""

import math

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.ops import (
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    sigmoid_backward,
    sigmoid_forward,
)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["yes or no", "probabilities"])
def test_by_the_book(kind, smoothing, rng):
    logits = 2 * rng.standard_normal((4, 5))
    labels = rng.random((4, 5)) < 0.4 if kind == "yes or no" else rng.random((4, 5))
    targets = (1 - smoothing) * labels + smoothing / 2
    probs = 1 / (1 + np.exp(-logits))
    loss, saved = binary_cross_entropy_forward(logits, labels=labels, label_smoothing=smoothing)
    wanted = -(targets * np.log(probs) + (1 - targets) * np.log(1 - probs)).mean()
    assert float(loss) == pytest.approx(wanted, rel=1e-12)
    for dloss in (1.0, -0.7):
        grads = binary_cross_entropy_backward(dloss, saved)
        np.testing.assert_allclose(grads, dloss * (probs - targets) / 20, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_cost_what_they_are_off_and_warn_of_nothing(dtype):
    logits = np.array([[1000, -1000], [1000, -1000], [3e4, 0]], dtype)
    labels = np.array([[True, False], [False, True], [True, True]])
    with np.errstate(all="raise", under="ignore"):
        loss, saved = binary_cross_entropy_forward(logits, labels=labels)
        dlogits = binary_cross_entropy_backward(1.0, saved)
    assert loss.dtype == dtype
    assert float(loss) == pytest.approx((1000 + 1000 + math.log(2)) / 6, rel=1e-6)
    np.testing.assert_allclose(6 * dlogits, [[0, 0], [1, -1], [0, -0.5]], atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_is_right_to_the_last_digits_at_both_ends(dtype):
    x = np.array([-1e4, -80, -20, -1, -0.0, 1, 20, 1e4], dtype)
    with np.errstate(all="raise", under="ignore"):
        y, saved = sigmoid_forward(x)
    wanted = [0.0 if v < -700 else math.exp(min(v, 0)) / (1 + math.exp(-abs(v))) for v in x.tolist()]
    assert y.dtype == dtype
    np.testing.assert_allclose(y, wanted, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(sigmoid_backward(np.full_like(x, 3), saved), 3 * y * (1 - y), rtol=1e-6)


def test_of_one_class_it_is_cross_entropy_of_two(rng):
    """σ(z) is the first share of softmax over (z, 0)."""
    from tinyvit.ops import cross_entropy_forward

    logits, labels = rng.standard_normal((6, 1)), rng.random((6, 1)) < 0.5
    two = np.concatenate([logits, 0 * logits], 1)
    wanted, _ = cross_entropy_forward(two, labels=np.where(labels[:, 0], 0, 1))
    assert float(binary_cross_entropy_forward(logits, labels=labels)[0]) == pytest.approx(float(wanted), rel=1e-14)


@pytest.mark.parametrize(
    ("logits", "labels", "smoothing", "sentence"),
    [
        ((3,), (3,), 0.0, r"logits must be \(R, K\).*got \(3,\)"),
        ((0, 3), (0, 3), 0.0, r"at least one row.*\(0, 3\)"),
        ((2, 3), (2,), 0.0, r"booleans or probabilities \(2, 3\), got float64 \(2,\)"),
        ((2, 3), (3, 2), 0.0, r"got float64 \(3, 2\)"),
        ((2, 3), np.ones((2, 3), int), 0.0, "got int64"),
        ((2, 3), np.full((2, 3), 1.1), 0.0, r"must lie in 0\.\.1"),
        ((2, 3), np.full((2, 3), np.nan), 0.0, r"must lie in 0\.\.1"),
        ((2, 3), (2, 3), 1.5, r"label_smoothing must lie in 0\.\.1, got 1\.5"),
        ((2, 3), (2, 3), math.nan, "label_smoothing .* got nan"),
    ],
)
def test_what_makes_no_sense_gets_one_sentence(logits, labels, smoothing, sentence):
    labels = np.zeros(labels) if isinstance(labels, tuple) else labels
    with pytest.raises(UserError, match=sentence):
        binary_cross_entropy_forward(np.zeros(logits), labels=labels, label_smoothing=smoothing)
