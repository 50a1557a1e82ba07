"""A shape that may be two digits is read both ways, and the surer reading counts."""

from pathlib import Path

import numpy as np
import pytest

from tinyvit.datasets import load_dataset
from tinyvit.evaluation.pages import DigitReader
from tinyvit.images.digits import Digit, find_digits
from tinyvit.training import load_classifier


@pytest.fixture(scope="module")
def reader():
    return DigitReader(*load_classifier(Path(__file__).parents[2] / "data" / "mnist-vit"))


@pytest.fixture(scope="module")
def digits():
    return load_dataset("mnist").test


def touching(left, right):
    """Two of MNIST's digits (28, 28), moved together until they touch, dark on light, uint8 (1, 112, 224)."""
    ink = np.pad(left, ((0, 0), (0, 28))).astype(int)
    begin = np.flatnonzero(left.max(axis=0) > 127)[-1] - np.flatnonzero(right.max(axis=0) > 127)[0] + 2
    for at in range(begin, 0, -1):
        near = np.zeros_like(ink)
        near[:, at : at + 28] = right
        if ((ink > 127) & (np.roll(near, -1, axis=1) > 127)).any():
            break
    return np.repeat(np.repeat(255 - np.maximum(ink, near), 4, 0), 4, 1).astype(np.uint8)[None]


def test_two_digits_that_touch_are_read_one_by_one(reader, digits):
    right = 0
    for first in range(100, 120, 2):
        found = find_digits(touching(*digits.images[first : first + 2, 0]), (28, 28))
        page = reader.read(found.digits)
        right += page.guesses == digits.labels[first : first + 2].tolist()
        assert {digit.line for digit in page.digits} == {0}
    assert right >= 4  # none, if shapes are not cut


def test_a_digit_alone_stays_one(reader, digits):
    planes = [
        np.pad(255 - image.repeat(4, 1).repeat(4, 2), ((0, 0), (20, 20), (20, 20)), constant_values=255)
        for image in digits.images[:15]
    ]
    counts = [len(reader.read(find_digits(plane, (28, 28)).digits).digits) for plane in planes]
    assert counts == [1] * 15


def test_what_is_sure_is_not_cut_though_it_could_be(reader, digits):
    image, (left, right) = digits.images[0], digits.images[1:3]
    instead = tuple(Digit(part, (0, 0, 20, 10)) for part in (left, right))
    page = reader.read([Digit(image, (0, 0, 20, 20), line=3, instead=instead)])
    assert page.guesses == [digits.labels[0]]
    wide = reader.read([Digit(image, (0, 0, 20, 40), line=3, instead=instead)])
    assert wide.guesses == digits.labels[1:3].tolist()
    assert [digit.line for digit in wide.digits] == [3, 3]
