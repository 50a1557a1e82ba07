"""Non-maximum suppression against the loop that defines it."""

import numpy as np
import pytest

from tinyvit.datasets.boxes import pairwise_iou
from tinyvit.evaluation.metrics.nms import suppress_overlaps


def random_boxes(rng, n, L):
    low = rng.uniform(0, 20, (n, L, 2))
    return np.concatenate([low, low + rng.uniform(3, 12, (n, L, 2))], axis=2)


def by_loop(boxes, scores, max_iou, min_score):
    left, kept = [i for i in np.argsort(-scores, kind="stable") if scores[i] >= min_score], []
    while left:
        first, *rest = left
        kept.append(first)
        left = [i for i in rest if pairwise_iou(boxes[first][None], boxes[i][None])[0, 0] <= max_iou]
    return kept


@pytest.mark.parametrize(("max_iou", "min_score"), [(0.4, 0.05), (0.0, 0.5), (0.9, 0.0), (1.0, 0.3)])
def test_as_the_loop_does(max_iou, min_score, rng):
    boxes, scores = random_boxes(rng, 6, 25), np.round(rng.random((6, 25)), 1)  # with ties
    kept = suppress_overlaps(boxes, scores, max_iou=max_iou, min_score=min_score)
    for i in range(6):
        assert set(np.flatnonzero(kept[i])) == set(by_loop(boxes[i], scores[i], max_iou, min_score))


def test_nothing_is_kept_of_nothing(rng):
    boxes = random_boxes(rng, 3, 4)
    assert not suppress_overlaps(boxes, np.zeros((3, 4)), max_iou=0.5, min_score=0.1).any()
    assert not suppress_overlaps(boxes, np.full((3, 4), np.nan), max_iou=0.5, min_score=0.1).any()
    assert suppress_overlaps(boxes[:, :0], np.zeros((3, 0)), max_iou=0.5, min_score=0.1).shape == (3, 0)


def test_what_is_suppressed_suppresses_nothing():
    """A chain: the second overlaps the first and the third, which is far enough from the first."""
    boxes = np.array([[[0, 0, 4, 4], [1, 0, 5, 4], [2.5, 0, 6.5, 4]]])
    kept = suppress_overlaps(boxes, np.array([[0.9, 0.8, 0.7]]), max_iou=0.4, min_score=0.0)
    np.testing.assert_array_equal(kept, [[True, False, True]])
