"""Accuracy at several sizes: the images are resized, the model too, and nothing else changes."""

import numpy as np
import pytest
from PIL import Image

from tests.support import small_run
from tinyvit import UserError, VisionTransformer
from tinyvit.course import accuracy_at_sizes
from tinyvit.course.sizes import resized_images
from tinyvit.datasets import Split, normalize
from tinyvit.evaluation.evaluate import evaluate


@pytest.fixture(scope="module")
def dataset():
    return small_run.small_dataset()


@pytest.fixture
def model(rng):
    return VisionTransformer(small_run.SMALL_MODEL, rng=rng)


def test_accuracies_are_of_the_resized_model_on_resized_images(model, dataset):
    found = accuracy_at_sizes(model, dataset.test, dataset, [14, 28, 42])
    assert list(found) == [14, 28, 42]
    assert found[28] == evaluate(model, dataset.test, dataset).accuracy
    for size in (14, 42):
        planes = [
            Image.fromarray(image[0]).resize((size, size), Image.Resampling.BILINEAR) for image in dataset.test.images
        ]
        images = normalize(np.stack([np.asarray(plane) for plane in planes])[:, None], dataset.mean, dataset.std)
        right = model.resized(size).predict(images).argmax(axis=1) == dataset.test.labels
        assert found[size] == right.mean()


def test_images_keep_their_channels_and_flat_ones_their_value(rng):
    images = np.empty((2, 3, 6, 6), np.uint8)
    images[...] = rng.integers(0, 256, (2, 3, 1, 1))
    for size in (3, 6, 9):
        resized = resized_images(images, size)
        assert (resized.shape, resized.dtype) == ((2, 3, size, size), np.uint8)
        assert (resized == images[:, :, :1, :1]).all()


def test_no_images_are_no_reason_to_stop(dataset):
    assert resized_images(dataset.test.images[:0], 14).shape == (0, 1, 14, 14)


def test_a_size_that_does_not_divide_is_refused_at_once(model, dataset, monkeypatch):
    monkeypatch.setattr("tinyvit.course.sizes.evaluate", lambda *args: pytest.fail("evaluated"))
    with pytest.raises(UserError, match="30x30 image does not divide into 14x14"):
        accuracy_at_sizes(model, Split(dataset.test.images[:2], dataset.test.labels[:2]), dataset, [28, 30])
