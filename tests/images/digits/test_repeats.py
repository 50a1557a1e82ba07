"""Equal shapes are a pattern, handwritten digits are not, be they all ones."""

import numpy as np
import pytest

from tinyvit.datasets import load_dataset
from tinyvit.images.digits import Digit
from tinyvit.images.digits.repeats import is_repeated


def shapes(images, heights):
    return [Digit(image[None], (0, 0, height, 9)) for image, height in zip(images, heights, strict=True)]


@pytest.mark.parametrize("label", [0, 1, 7])
def test_a_hand_does_not_repeat_itself(label):
    test = load_dataset("mnist").test
    images = test.images[np.flatnonzero(test.labels == label)[:30], 0]
    heights = np.random.default_rng(label).uniform(80, 100, 30).round().astype(int)
    assert is_repeated(shapes(images, heights)).mean() <= 0.1


@pytest.mark.parametrize("height", [20, 90, 400])
def test_the_same_shape_four_times_is_a_pattern(rng, height):
    bar, other = np.zeros((2, 28, 28), np.uint8)
    bar[4:24, 13:16], other[4:24, 5:20] = 255, rng.integers(0, 255, (20, 15))
    assert is_repeated(shapes([bar, other, bar, bar, bar], [height] * 5)).tolist() == [True, False, True, True, True]
    assert not is_repeated(shapes([bar, other, bar, bar], [height] * 4)).any()


def test_shapes_of_other_sizes_are_no_pattern():
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 13:16] = 255
    assert not is_repeated(shapes([bar] * 5, [20, 25, 31, 40, 50])).any()
