"""The dev split: exact, stratified, and a function of its seed alone."""

import numpy as np
import pytest

from tinyvit.datasets.split import dev_split
from tinyvit.errors import UserError

LABELS = np.random.default_rng(0).choice(5, size=997, p=[0.5, 0.3, 0.15, 0.04, 0.01])


@pytest.mark.parametrize("dev_size", [0, 1, 7, 100, 996])
def test_every_example_is_in_one_split_and_the_sizes_are_exact(dev_size):
    train, dev = dev_split(LABELS, dev_size)
    assert (len(train), len(dev)) == (997 - dev_size, dev_size)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, dev])), np.arange(997))
    assert (np.diff(train) > 0).all()
    assert (np.diff(dev) > 0).all()
    assert train.dtype == dev.dtype == np.int64


@pytest.mark.parametrize("dev_size", [1, 7, 100, 996])
def test_each_class_gives_its_share_within_one(dev_size):
    _, dev = dev_split(LABELS, dev_size)
    share = dev_size * np.bincount(LABELS, minlength=5) / 997
    given = np.bincount(LABELS[dev], minlength=5)
    assert (abs(given - share) < 1).all()


def test_what_rounding_lost_goes_to_the_classes_that_lost_most():
    labels = np.repeat([0, 1, 2], [21, 37, 42])
    _, dev = dev_split(labels, 10)  # shares 2.1, 3.7 and 4.2
    np.testing.assert_array_equal(np.bincount(labels[dev]), [2, 4, 4])


def test_the_seed_decides_and_nothing_else():
    _, first = dev_split(LABELS, 100, seed=0)
    np.random.default_rng().random(10)
    _, again = dev_split(LABELS, 100, seed=0)
    _, other = dev_split(LABELS, 100, seed=1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_chosen_examples_are_spread_over_the_whole_class():
    labels = np.zeros(10_000, np.int64)
    _, dev = dev_split(labels, 1000)
    assert abs(dev.mean() - 5000) < 500  # five standard deviations
    assert dev[0] < 200
    assert dev[-1] > 9800


@pytest.mark.parametrize("dev_size", [-1, 997, 60000])
def test_an_impossible_size_is_refused(dev_size):
    with pytest.raises(UserError, match=rf"0\.\.996.*got {dev_size}"):
        dev_split(LABELS, dev_size)
