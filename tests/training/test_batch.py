"""Which images a step is trained on, and what was done to them before."""

import dataclasses

import numpy as np
import pytest

from tinyvit.backend import to_numpy
from tinyvit.datasets import epoch_order
from tinyvit.images.augment import random_affine, random_shift
from tinyvit.optim import FlatArrays
from tinyvit.tasks import classify
from tinyvit.training import steps_per_epoch, training_batch
from tinyvit.training.gradients import Part
from tinyvit.training.state import build_model


def normalized(images, dataset):
    return (images / 255 - dataset.mean) / dataset.std


@pytest.fixture
def seen(monkeypatch):
    """What every call of `loss_and_gradients` was given."""
    calls = []
    whole = classify.loss_and_gradients

    def noting(model, images, labels, **options):
        calls.append((to_numpy(images), to_numpy(labels), options))
        return whole(model, images, labels, **options)

    monkeypatch.setattr(classify, "loss_and_gradients", noting)
    return calls


def parts(config, dataset, count):
    model = build_model(config)
    return [Part(config, dataset, model, FlatArrays(model.parameters()), index, count) for index in range(count)]


@pytest.mark.parametrize(("count", "micro_batch"), [(1, 0), (1, 7), (3, 0), (3, 4)])
def test_an_epoch_is_every_image_of_its_order_once(small_config, small_dataset, seen, count, micro_batch):
    config = dataclasses.replace(small_config, augment="none", seed=5, micro_batch=micro_batch)
    members = parts(config, small_dataset, count)
    orders = []
    for epoch in range(2):
        seen.clear()
        for step in range(6 * epoch, 6 * epoch + 6):  # 200 images make 6 batches of 32
            for member in members:
                member.compute(step)
        order = epoch_order(200, seed=5, epoch=epoch)[:192]
        wanted = normalized(small_dataset.train.images[order], small_dataset)
        np.testing.assert_allclose(np.concatenate([images for images, _, _ in seen]), wanted, atol=1e-5)
        np.testing.assert_array_equal(np.concatenate([labels for _, labels, _ in seen]), small_dataset.train.labels[order])  # fmt: skip
        orders.append(order)
    assert (orders[0] == orders[1]).mean() < 0.1


def test_the_loss_is_asked_for_as_the_config_says(small_config, small_dataset, seen):
    config = dataclasses.replace(small_config, label_smoothing=0.15, micro_batch=8)
    (member,) = parts(config, small_dataset, 1)
    member.compute(3)
    assert {options["label_smoothing"] for _, _, options in seen} == {0.15}
    assert [options["share"] for _, _, options in seen] == [0.25] * 4
    assert all(options["rng"] is not None for _, _, options in seen)


def test_one_image_is_not_the_same_in_two_epochs(small_config, small_dataset):
    """Augmentation is drawn from the step, so an image that comes again has been moved another way."""
    rngs = np.random.default_rng(0), np.random.default_rng(1)
    one, two = (training_batch(small_config, small_dataset, np.arange(5), rng)[0] for rng in rngs)
    assert (np.abs(one - two).max(axis=(1, 2, 3)) > 0.1).all()


AMOUNTS = {"degrees": 12.0, "translate": 2.5, "scale": 0.3, "shear": 7.0, "elastic": 0.8}


def test_affine_images_get_the_configs_amounts(small_config, small_dataset):
    config = dataclasses.replace(small_config, augment="affine", **AMOUNTS)
    chosen = np.array([7, 3, 11, 3])
    images, labels = training_batch(config, small_dataset, chosen, np.random.default_rng(2))
    moved = random_affine(small_dataset.train.images[chosen], np.random.default_rng(2), **AMOUNTS)
    np.testing.assert_allclose(images, normalized(moved, small_dataset), atol=1e-5)
    np.testing.assert_array_equal(labels, small_dataset.train.labels[chosen])
    assert images.dtype == np.float32


def test_shifted_images_get_the_configs_amount(small_config, small_dataset):
    config = dataclasses.replace(small_config, augment="shift", shift=4)
    images, _ = training_batch(config, small_dataset, np.arange(9), np.random.default_rng(2))
    moved = random_shift(small_dataset.train.images[:9], np.random.default_rng(2), pixels=4)
    np.testing.assert_allclose(images, normalized(moved, small_dataset), atol=1e-5)


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 200), (32, 6), (50, 4), (200, 1), (201, 1), (1000, 1)])
def test_only_full_batches_count_as_steps(small_config, small_dataset, batch_size, steps):
    assert steps_per_epoch(dataclasses.replace(small_config, batch_size=batch_size), small_dataset) == steps


def test_a_batch_larger_than_the_data_is_all_of_it(small_config, small_dataset, seen):
    config = dataclasses.replace(small_config, augment="none", batch_size=1000, micro_batch=1000)
    parts(config, small_dataset, 1)[0].compute(1)
    ((_, labels, options),) = seen
    np.testing.assert_array_equal(np.sort(labels), np.sort(small_dataset.train.labels))
    assert options["share"] == 1.0
