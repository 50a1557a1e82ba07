"""Canvases: the truth is that of the pixels, and a canvas depends on its own chance alone."""

import numpy as np
import pytest

from tinyvit.datasets.boxes import NO_CLASS, pairwise_iou
from tinyvit.datasets.canvases import INK, MAX_OVERLAP, canvases


class Rows:
    """Draws for a batch of which some rows are wanted, as `backend.BatchRows` does."""

    def __init__(self, n, rows):
        self.rng, self.n, self.rows = np.random.default_rng(4), n, rows

    def integers(self, low, high, size):
        return self.rng.integers(low, high, (self.n, *size[1:]))[self.rows]

    def random(self, size):
        return self.rng.random((self.n, *size[1:]))[self.rows]


@pytest.fixture(scope="module")
def digits():
    """Rings and bars of the size of digits: 0 is a ring, 1 a bar, 2 two bars."""
    images = np.zeros((30, 1, 28, 28), np.uint8)
    labels = np.arange(30) % 3
    y, x = np.mgrid[:28, :28] - 13.5
    shapes = [abs(np.hypot(x, y) - 8) < 2, (abs(x) < 2) & (abs(y) < 10), (abs(abs(x) - 5) < 2) & (abs(y) < 10)]
    for i, k in enumerate(labels):
        images[i, 0] = 255 * shapes[k]
    return images, labels


@pytest.fixture(scope="module")
def made(digits):
    return canvases(*digits, np.arange(300) % 30, np.random.default_rng(0), size=(56, 60))


def test_shapes_and_kinds(made):
    assert (made.images.shape, made.images.dtype) == ((300, 1, 56, 60), np.uint8)
    assert (made.masks.shape, made.masks.dtype) == ((300, 56, 60), np.int16)
    assert (made.boxes.shape, made.boxes.dtype) == ((300, 4, 5), np.float32)
    assert set(np.unique(made.masks)) == {0, 1, 2, 3}


def test_the_mask_is_the_ink(made):
    bright = made.images[:, 0].astype(int)
    assert (bright[made.masks > 0] >= INK).all()
    assert (bright[made.masks == 0] <= INK).all()


def test_boxes_are_those_of_the_ink(made):
    """A digit alone: its box is where its mask begins and ends."""
    is_there = made.boxes[..., 4] != NO_CLASS
    alone = np.flatnonzero(is_there.sum(axis=1) == 1)
    assert len(alone) > 40
    for b in alone:
        x1, y1, x2, y2, k = made.boxes[b, 0].astype(int)
        rows, columns = np.nonzero(made.masks[b])
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (x1, y1, x2, y2)
        assert set(made.masks[b][made.masks[b] > 0]) == {k + 1}


def test_boxes_lie_inside_and_hardly_overlap(made):
    sizes = []
    for of_one in made.boxes:
        there = of_one[of_one[:, 4] != NO_CLASS]
        iou = pairwise_iou(there[:, :4], there[:, :4])
        assert (iou[~np.eye(len(there), dtype=bool)] < MAX_OVERLAP).all()
        assert (there[:, :2] >= 0).all()
        assert (there[:, 2:4] <= [60, 56]).all()
        sizes += list(there[:, 3] - there[:, 1])
    assert min(sizes) < 18
    assert max(sizes) > 22


def test_each_has_the_one_that_was_chosen_and_up_to_three_more(made, digits):
    counts = (made.boxes[..., 4] != NO_CLASS).sum(axis=1)
    assert set(counts) == {1, 2, 3, 4}
    np.testing.assert_array_equal(made.boxes[:, 0, 4], digits[1][np.arange(300) % 30])


def test_a_canvas_does_not_depend_on_those_beside_it(digits):
    chosen = np.arange(12)
    whole = canvases(*digits, chosen, Rows(12, slice(None)), size=(42, 42))
    for rows in (slice(0, 1), slice(1, 5), slice(5, 12)):
        part = canvases(*digits, chosen[rows], Rows(12, rows), size=(42, 42))
        for one, other in zip(part, whole, strict=True):
            np.testing.assert_array_equal(one, other[rows])


def test_what_has_no_ink_or_no_room_is_left_out(digits):
    images = np.concatenate([np.zeros((1, 1, 28, 28), np.uint8), digits[0][2:3]])
    labels = np.array([0, 2])
    empty = canvases(images, labels, np.zeros(6, int), np.random.default_rng(1), size=(56, 56))
    assert (empty.boxes[..., 4] != 0).all()
    small = canvases(images, labels, np.ones(6, int), np.random.default_rng(1), size=(8, 8))
    assert (small.boxes[..., 4] == NO_CLASS).all()
    assert not small.images.any()


@pytest.mark.parametrize("channels", [3, 2])
def test_colours_are_kept(channels):
    rng = np.random.default_rng(0)
    images = rng.integers(100, 256, (5, channels, 9, 7), dtype=np.uint8)
    made = canvases(images, np.arange(5), np.arange(5), rng, size=(30, 40), max_digits=2)
    assert made.images.shape == (5, channels, 30, 40)
    assert made.boxes.shape == (5, 2, 5)
    assert (made.images[:, 0] != made.images[:, 1]).any()
    assert (made.images.max(axis=1)[made.masks > 0] >= INK).all()
