"""The generalised IoU of boxes whose areas one can count, where it leads, and what it refuses."""

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.ops import giou_backward, giou_forward

SQUARE = [0, 0, 2, 2]
PAIRS = {
    "the same": ([0, 0, 2, 2], SQUARE, 0.0),
    "half over it": ([1, 0, 3, 2], SQUARE, 1 - 2 / 6),
    "over a corner": ([1, 1, 3, 3], SQUARE, 1 - (1 / 7 - 2 / 9)),
    "inside": ([0.5, 0.5, 1.5, 1.5], SQUARE, 1 - 1 / 4),
    "around it": ([-1, -1, 3, 3], SQUARE, 1 - 4 / 16),
    "edge to edge": ([2, 0, 4, 2], SQUARE, 1.0),
    "apart": ([4, 0, 6, 2], SQUARE, 1 + 4 / 12),
    "far apart": ([0, 200, 2, 202], SQUARE, 1 + 396 / 404),
    "one above, one beside": ([3, 4, 4, 6], SQUARE, 1 + (24 - 6) / 24),
    "without an area": ([1, 1, 1, 1], SQUARE, 1.0),
}


@pytest.mark.parametrize("name", PAIRS)
def test_areas_that_one_can_count(name):
    box, target, wanted = PAIRS[name]
    loss, _ = giou_forward(np.array([box], float), target=np.array([target], float))
    assert float(loss) == pytest.approx(wanted, rel=1e-14)


def test_pairs_have_weights(rng):
    boxes, targets = (np.array([pair[k] for pair in PAIRS.values()], float) for k in (0, 1))
    weights = rng.random(len(boxes))
    loss, saved = giou_forward(boxes, target=targets, weights=weights)
    wanted = [pair[2] for pair in PAIRS.values()]
    assert float(loss) == pytest.approx(float(weights @ wanted))
    each = [giou_forward(boxes[k : k + 1], target=targets[k : k + 1])[1] for k in range(len(boxes))]
    parts = [w * giou_backward(1.0, one) for w, one in zip(weights, each, strict=True)]
    np.testing.assert_allclose(giou_backward(1.0, saved), np.concatenate(parts), atol=1e-15)


@pytest.mark.parametrize("place", [(30, 3), (-40, 5), (2, 50), (25, -60)])
def test_a_box_far_away_is_led_to_its_target(place):
    """Where the IoU is 0 and has no slope."""
    target = np.array([[2.0, 3.0, 6.0, 8.0]])
    box = np.array([[*place, place[0] + 4, place[1] + 5]], float)
    losses = []
    for _ in range(50):
        loss, saved = giou_forward(box, target=target)
        losses.append(float(loss))
        slope = giou_backward(1.0, saved)
        box = box - 0.2 * slope / np.linalg.norm(slope)
    assert losses[0] > 1
    assert losses[-1] < losses[0] - 0.03


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_of_the_boxes_stays(dtype):
    loss, saved = giou_forward(np.array([[0, 0, 300, 300]], dtype), target=np.array([[1, 2, 310, 290]]))
    assert loss.dtype == giou_backward(np.float32(0.5), saved).dtype == dtype
    assert np.isfinite(loss)  # though the areas are too large for float16


@pytest.mark.parametrize(
    ("boxes", "target", "sentence"),
    [
        (np.zeros((2, 5)), np.zeros((2, 5)), r"boxes must have the shape \(R, 4\), got \(2, 5\)"),
        (np.zeros(4), np.zeros(4), r"got \(4,\)"),
        (np.zeros((2, 4)), np.ones((1, 4)), r"target must have the shape \(2, 4\), got \(1, 4\)"),
        (np.array([[2.0, 0, 1, 1]]), np.array([[0, 0, 1, 1]]), "a box ends before it begins"),
        (np.array([[0.0, 0, 1, 1]]), np.array([[0, 0, 1, 0]]), "a target box has no area"),
        (np.array([[0.0, 0, 1, 1]]), np.array([[0, 0, np.nan, 1]]), "a target box has no area"),
        (np.array([[0.0, 0, 1, 1]]), [[0, 0, 1, 1]], "target: an array was expected, got list"),
    ],
)
def test_what_are_no_boxes_is_refused(boxes, target, sentence):
    with pytest.raises(UserError, match=sentence):
        giou_forward(boxes, target=target)


def test_no_boxes_are_fine():
    loss, saved = giou_forward(np.zeros((0, 4)), target=np.zeros((0, 4)))
    assert float(loss) == 0.0
    assert giou_backward(1.0, saved).shape == (0, 4)
