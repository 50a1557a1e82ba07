"""Cross-entropy and its gradient by the book, for hard and soft targets, smoothed or not."""

import numpy as np
import pytest

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
