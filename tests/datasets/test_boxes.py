"""The IoU of boxes whose areas one can count."""

import numpy as np
import pytest

from tinyvit.datasets.boxes import areas, pairwise_iou


def test_pairs_that_one_can_count():
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 9]], float)
    others = np.array([[0, 0, 2, 2], [0, 0, 4, 4]], float)
    np.testing.assert_allclose(pairwise_iou(boxes, others), [[1, 4 / 16], [2 / 6, 4 / 16], [0, 0]])
    np.testing.assert_array_equal(areas(boxes), [4, 4, 4])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_boxes_without_an_area_overlap_nothing(dtype):
    point = np.array([[1, 1, 1, 1]], dtype)
    assert pairwise_iou(point, point) == 0
    assert pairwise_iou(point, np.array([[0, 0, 2, 2]], dtype)).dtype == dtype


def test_leading_axes_are_kept(rng):
    low, other = rng.random((4, 3, 2)), rng.random((4, 5, 2))
    boxes, others = np.concatenate([low, low + 1], axis=2), np.concatenate([other, other + 1], axis=2)
    whole = pairwise_iou(boxes, others)
    assert whole.shape == (4, 3, 5)
    np.testing.assert_array_equal(whole[2], pairwise_iou(boxes[2], others[2]))
