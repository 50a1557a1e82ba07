"""Random boxes: where they lie, how large they are, and how often."""

import math

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.images.boxes import box_around, box_inside

RNG = np.random.default_rng


def assert_uniform(values, low, high):
    """By the largest distance between the two cumulative distributions (Kolmogorov-Smirnov, at 0.1 %)."""
    values = np.sort((np.asarray(values) - low) / (high - low))
    n = len(values)
    assert values[0] >= 0
    assert values[-1] <= 1
    assert np.abs(values - (np.arange(n) + 0.5) / n).max() < 1.95 / math.sqrt(n)


def draws(height, width, n, **options):
    rng = RNG(0)
    boxes = [box_inside(height, width, rng, **options) for _ in range(n)]
    return np.array([box for box in boxes if box is not None])


@pytest.mark.parametrize(("height", "width"), [(2000, 3000), (3000, 2000)])
def test_area_ratio_and_place_are_as_promised(height, width):
    boxes = draws(height, width, 3000, area=(0.1, 0.3), ratio=(0.5, 2.0))  # all of which fit
    top, left, bottom, right = boxes.T
    h, w = bottom - top, right - left
    assert len(boxes) == 3000
    assert_uniform(h * w / (height * width), 0.0998, 0.3002)  # whole pixels are a little off
    assert_uniform(np.log(w / h), math.log(0.499), math.log(2.004))
    assert_uniform(top / (height - h), 0, 1)
    assert_uniform(left / (width - w), 0, 1)


def test_every_place_is_taken_the_edges_too():
    boxes = draws(5, 6, 2000, area=(0.2, 0.2), ratio=(1.5, 1.5))
    assert {tuple(box) for box in boxes} == {(t, l, t + 2, l + 3) for t in range(4) for l in range(4)}


def test_a_box_as_large_as_the_image_and_one_that_is_larger():
    assert draws(6, 9, 1, area=(1, 1), ratio=(1.5, 1.5)).tolist() == [[0, 0, 6, 9]]
    assert len(draws(6, 9, 50, area=(1, 1), ratio=(0.5, 1.0))) == 0
    assert len(draws(1, 1, 50, area=(0.01, 0.1), ratio=(1, 1))) == 0, "a box without pixels is none"


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (1, 5000), (5000, 1), (3, 7)])
def test_boxes_in_small_and_long_images_lie_inside(height, width):
    for top, left, bottom, right in draws(height, width, 200, area=(0.05, 1.0), ratio=(0.3, 3.3)):
        assert 0 <= top < bottom <= height
        assert 0 <= left < right <= width


def test_ten_tries_are_made():
    rng, fits = RNG(0), {"area": (0.5, 0.5), "ratio": (0.01, 100.0)}  # log 2 / log 100 = 0.15 of them fit
    found = np.mean([box_inside(1000, 1000, rng, **fits) is not None for _ in range(2000)])
    assert abs(found - (1 - (1 - math.log(2) / math.log(100)) ** 10)) < 0.03


@pytest.mark.parametrize("area", [(0.0, 0.5), (-0.1, 0.5), (0.5, 0.4), (0.5, 1.1), (math.nan, 0.5), (0.5, math.nan)])
def test_impossible_areas_are_refused(area):
    with pytest.raises(UserError, match=r"share of the image must lie .*got"):
        box_inside(9, 9, RNG(0), area=area, ratio=(1, 1))


@pytest.mark.parametrize("ratio", [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, math.inf), (math.nan, 1.0)])
def test_impossible_ratios_are_refused(ratio):
    with pytest.raises(UserError, match=r"width / height must lie .*got"):
        box_inside(9, 9, RNG(0), area=(0.5, 1), ratio=ratio)


def test_boxes_around_every_pixel_are_cut_by_the_border():
    height, width, h, w = 8, 12, 4, 6  # a quarter of the area
    pixels = [[(y, x) for y in range(height) for x in range(width)]]
    wanted = {
        (
            min(y for y, x in inside), min(x for y, x in inside),
            max(y for y, x in inside) + 1, max(x for y, x in inside) + 1,
        )
        for cy, cx in pixels[0]
        for inside in [[(y, x) for y, x in pixels[0] if -h // 2 <= y - cy < h // 2 and -w // 2 <= x - cx < w // 2]]
    }  # fmt: skip
    rng = RNG(0)
    boxes = [box_around(height, width, rng, area=0.25) for _ in range(3000)]
    assert set(map(tuple, boxes)) == wanted
    counts = np.array([boxes.count(box) for box in set(boxes)])
    assert counts.max() < 3 * counts.min() + 10 * 3000 / 96, "each pixel is as likely as any other"


def test_boxes_around_nothing_and_everything():
    rng = RNG(0)
    for height, width in ((1, 1), (1, 9), (5, 4)):
        for area in (0.0, 0.3, 1.0):
            for _ in range(50):
                top, left, bottom, right = box_around(height, width, rng, area=area)
                assert 0 <= top <= bottom <= height
                assert 0 <= left <= right <= width
                share = (bottom - top) * (right - left) / (height * width)
                assert share == 0 if area == 0 else share <= max(area * 2, 1 / height / width)
