"""Cross-entropy and its gradient by the book, for hard and soft targets, smoothed or not."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.ops import cross_entropy_backward, cross_entropy_forward


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["hard", "soft", "soft, adding up to almost one"])
def test_cross_entropy_by_the_book(kind, smoothing, rng):
    logits = 2 * rng.standard_normal((4, 5))
    labels = rng.integers(0, 5, 4)
    targets = np.eye(5)[labels]
    if kind != "hard":
        labels = targets = rng.dirichlet(np.ones(5), 4) * (1.0 if kind == "soft" else 1.0005)
    wanted_targets = (1 - smoothing) * targets + smoothing / 5
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)

    loss, saved = cross_entropy_forward(logits, labels=labels, label_smoothing=smoothing)
    assert float(loss) == pytest.approx(-(wanted_targets * np.log(probs)).sum() / 4, rel=1e-12)
    for dloss in (1.0, -0.7):
        wanted = dloss * (probs * wanted_targets.sum(1, keepdims=True) - wanted_targets) / 4
        np.testing.assert_allclose(cross_entropy_backward(dloss, saved), wanted, atol=1e-14)


def test_soft_targets_that_are_certain_are_labels(rng):
    logits, labels = rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    for smoothing in (0.0, 0.2):
        hard, _ = cross_entropy_forward(logits, labels=labels, label_smoothing=smoothing)
        soft, _ = cross_entropy_forward(logits, labels=np.eye(4)[labels], label_smoothing=smoothing)
        assert float(hard) == pytest.approx(float(soft), rel=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("soft", [False, True])
def test_weights_say_how_much_each_row_counts(smoothing, soft, rng):
    logits, weights = rng.standard_normal((5, 4)), rng.dirichlet(np.ones(5))
    labels = rng.dirichlet(np.ones(4), 5) if soft else rng.integers(0, 4, 5)
    loss, saved = cross_entropy_forward(logits, labels=labels, weights=weights, label_smoothing=smoothing)
    dlogits = cross_entropy_backward(-0.7, saved)
    of_rows = [cross_entropy_forward(logits[r : r + 1], labels=labels[r : r + 1], label_smoothing=smoothing) for r in range(5)]  # fmt: skip
    assert float(loss) == pytest.approx(sum(w * float(one) for w, (one, _) in zip(weights, of_rows, strict=True)))
    wanted = [w * cross_entropy_backward(-0.7, one) for w, (_, one) in zip(weights, of_rows, strict=True)]
    np.testing.assert_allclose(dlogits, np.concatenate(wanted), atol=1e-15)


def test_equal_weights_are_none(rng):
    logits, labels = rng.standard_normal((8, 3)), rng.integers(0, 3, 8)
    plain, saved = cross_entropy_forward(logits, labels=labels)
    loss, weighted = cross_entropy_forward(logits, labels=labels, weights=np.full(8, 1 / 8))
    assert float(loss) == pytest.approx(float(plain), rel=1e-14)
    np.testing.assert_allclose(cross_entropy_backward(2.0, weighted), cross_entropy_backward(2.0, saved), atol=1e-16)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_a_row_of_weight_0_is_ignored_whatever_it_holds(bad, soft, rng):
    logits, weights = rng.standard_normal((4, 3)), np.array([0.25, 0.0, 0.75, 0.0])
    labels = rng.dirichlet(np.ones(3), 4) if soft else np.array([0, -100, 2, 255])
    alone, saved = cross_entropy_forward(logits[::2], labels=labels[::2], weights=weights[::2])
    wanted = cross_entropy_backward(1.0, saved)
    logits[1], logits[3, 0] = bad, bad
    if soft:
        labels[1], labels[3] = np.nan, 7.0
    with np.errstate(invalid="ignore", over="ignore"):
        loss, saved = cross_entropy_forward(logits, labels=labels, weights=weights)
        dlogits = cross_entropy_backward(1.0, saved)
    assert float(loss) == pytest.approx(float(alone), rel=1e-15)
    np.testing.assert_array_equal(dlogits[::2], wanted)
    np.testing.assert_array_equal(dlogits[1::2], 0)


@pytest.mark.parametrize("cuts", [[2], [1, 4], [3, 5, 6], [5]])
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_of_the_pieces_of_a_batch_add_up(cuts, soft, rng):
    """The contract of every loss here: each piece's gradient, times what its weights were divided by, is its part."""
    logits, weights = rng.standard_normal((7, 3)), rng.dirichlet(np.ones(7))
    labels = rng.dirichlet(np.ones(3), 7) if soft else rng.integers(0, 3, 7)
    weights[2] = 0.0
    weights /= weights.sum()
    loss, saved = cross_entropy_forward(logits, labels=labels, weights=weights, label_smoothing=0.1)
    total, parts = 0.0, []
    for rows in np.split(np.arange(7), cuts):
        share = weights[rows].sum()
        one, one_saved = cross_entropy_forward(logits[rows], labels=labels[rows], weights=weights[rows] / share, label_smoothing=0.1)  # fmt: skip
        total += share * float(one)
        parts.append(cross_entropy_backward(share, one_saved))
    assert float(loss) == pytest.approx(total, rel=1e-14)
    np.testing.assert_allclose(np.concatenate(parts), cross_entropy_backward(1.0, saved), atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_do_not_change_the_dtype(dtype, rng):
    weights = rng.dirichlet(np.ones(4))  # float64
    loss, saved = cross_entropy_forward(rng.standard_normal((4, 3)).astype(dtype), labels=np.arange(4) % 3, weights=weights)  # fmt: skip
    assert loss.dtype == cross_entropy_backward(1.0, saved).dtype == dtype


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([0.5, 0.5], "weights: an array was expected, got list"),
        (np.array([1, 0]), "weights must hold floating-point numbers, got int64"),
        (np.array([0.5, 0.5, 0.0]), r"weights must have the shape \(2,\), got \(3,\)"),
        (np.array([[0.5], [0.5]]), r"weights must have the shape \(2,\)"),
        (np.array([1.0, 1.0]), "add up to 1, got a sum of 2.0: divide them by it"),
        (np.array([0.0, 0.0]), "add up to 1, got a sum of 0.0"),
        (np.array([1.5, -0.5]), "at least 0 and add up to 1"),
        (np.array([np.nan, 1.0]), "got a sum of nan"),
        (np.array([np.inf, 1.0]), "got a sum of inf"),
    ],
)
def test_weights_that_are_none_get_one_sentence(weights, sentence):
    with pytest.raises(UserError, match=sentence):
        cross_entropy_forward(np.zeros((2, 3)), labels=np.array([0, 1]), weights=weights)


def test_a_label_that_counts_must_be_there():
    with pytest.raises(UserError, match=r"labels must lie in 0\.\.2, got -100\.\.1: give rows to ignore weight 0"):
        cross_entropy_forward(np.zeros((3, 3)), labels=np.array([1, -100, -7]), weights=np.array([0.5, 0.5, 0.0]))
