"""The focal loss by its formula, number by number, and what it refuses."""

import math

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.ops import binary_cross_entropy_forward, focal_backward, focal_forward


def by_hand(logits, targets, weights, alpha, gamma):
    loss = 0.0
    for place in np.ndindex(logits.shape):
        p = 1 / (1 + math.exp(-logits[place]))
        p, a = (p, alpha) if targets[place] else (1 - p, 1 - alpha)
        loss -= weights[place[:-1]] * a * (1 - p) ** gamma * math.log(p)
    return loss


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.9, 0.5), (0.0, 3.0), (1.0, 0.0)])
def test_the_formula_number_by_number(alpha, gamma, rng):
    logits, targets, weights = 3 * rng.standard_normal((2, 5, 3)), rng.random((2, 5, 3)) > 0.7, rng.random((2, 5))
    loss, _ = focal_forward(logits, targets=targets, weights=weights, alpha=alpha, gamma=gamma)
    assert float(loss) == pytest.approx(by_hand(logits, targets, weights, alpha, gamma), rel=1e-13)


def test_without_focus_it_is_half_of_binary_cross_entropy(rng):
    logits, targets = rng.standard_normal((5, 3)), rng.random((5, 3)) > 0.5
    loss, _ = focal_forward(logits, targets=targets, alpha=0.5, gamma=0.0)
    assert float(loss) == pytest.approx(3 * 0.5 * float(binary_cross_entropy_forward(logits, labels=targets)[0]))


def test_what_is_sure_and_right_costs_and_moves_nothing():
    logits, targets = np.array([[900.0, -900.0, 60.0]]), np.array([[True, False, True]])
    loss, saved = focal_forward(logits, targets=targets)
    assert float(loss) == pytest.approx(0.0, abs=1e-60)
    np.testing.assert_allclose(focal_backward(1.0, saved), 0.0, atol=1e-40)


def test_what_is_sure_and_wrong_costs_as_much_as_it_is_sure():
    loss, saved = focal_forward(np.array([[900.0]]), targets=np.array([[False]]))
    assert float(loss) == 0.75 * 900
    np.testing.assert_array_equal(focal_backward(1.0, saved), [[0.75]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_of_the_logits_stays(dtype, rng):
    loss, saved = focal_forward(rng.standard_normal((4, 3)).astype(dtype), targets=np.ones((4, 3), bool))
    assert loss.dtype == focal_backward(np.float32(0.5), saved).dtype == dtype


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"targets": np.ones((2, 4), bool)}, r"targets must have the shape \(2, 3\), got \(2, 4\)"),
        ({"targets": np.ones((2, 3))}, "targets must be booleans, got float64"),
        ({"targets": [[True] * 3] * 2}, "targets: an array was expected, got list"),
        ({"targets": np.ones((2, 3), bool), "weights": np.ones((2, 3))}, r"weights must have the shape \(2,\)"),
        ({"targets": np.ones((2, 3), bool), "weights": np.ones(2, int)}, "weights must hold floating-point"),
        ({"targets": np.ones((2, 3), bool), "alpha": 1.5}, "alpha must lie in 0..1"),
        ({"targets": np.ones((2, 3), bool), "alpha": math.nan}, "alpha must lie in 0..1"),
        ({"targets": np.ones((2, 3), bool), "gamma": -1.0}, "gamma be at least 0"),
    ],
)
def test_what_makes_no_loss_is_refused(options, sentence):
    with pytest.raises(UserError, match=sentence):
        focal_forward(np.zeros((2, 3)), **options)
