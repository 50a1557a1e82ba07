"""Epoch orders, batches for evaluation, and normalisation."""

import numpy as np
import pytest

from tinyvit.datasets import Split, batches, epoch_order, normalize
from tinyvit.errors import UserError


def test_an_epoch_order_is_a_permutation_of_its_seed_and_epoch():
    order = epoch_order(1000, seed=3, epoch=5)
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert order.dtype == np.int64
    np.testing.assert_array_equal(order, epoch_order(1000, seed=3, epoch=5))
    for other in (epoch_order(1000, seed=3, epoch=6), epoch_order(1000, seed=4, epoch=5)):
        assert (order == other).mean() < 0.02  # about one in a thousand by chance


def test_batches_cover_the_split_in_order_with_a_short_last_one():
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    split = Split(images, np.arange(10))
    parts = list(batches(split, 4))
    assert [len(labels) for _, labels in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), images)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in parts]), split.labels)
    assert [len(labels) for _, labels in batches(split, 100)] == [10]
    assert list(batches(Split(images[:0], split.labels[:0]), 4)) == []


@pytest.mark.parametrize("batch_size", [0, -3])
def test_an_impossible_batch_size_is_refused(batch_size):
    split = Split(np.zeros((2, 1, 1, 1), np.uint8), np.zeros(2, np.int64))
    with pytest.raises(UserError, match=f"got {batch_size}"):
        next(batches(split, batch_size))


@pytest.mark.parametrize("source", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-14)])
def test_normalize_is_its_formula(source, dtype, tolerance):
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 5, 4)).astype(source)
    before = images.copy()
    y = normalize(images, 0.1307, 0.3081, dtype)
    wanted = (images.astype(np.float64) / 255 - 0.1307) / 0.3081
    assert y.dtype == dtype
    np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(images, before)


def test_normalize_gives_float32_and_takes_a_mean_per_channel():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 3), dtype=np.uint8)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    y = normalize(images, mean, std)
    assert y.dtype == np.float32
    for c in range(3):
        np.testing.assert_allclose(y[:, c], (images[:, c] / 255 - mean[c]) / std[c], atol=1e-6)
