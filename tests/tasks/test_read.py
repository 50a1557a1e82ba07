"""Reading: rows are composed of digits as they are said to be, and a small model learns to read them."""

import dataclasses

import numpy as np
import pytest

from tests.support.small_run import SMALL_MODEL
from tinyvit.backend import generator
from tinyvit.backend.random import BatchRows
from tinyvit.config.digit_tasks import ReadConfig
from tinyvit.datasets import normalize
from tinyvit.tasks import ALL, TASKS
from tinyvit.tasks.read import compose, others

READ = TASKS["read"]
MODEL = dataclasses.replace(SMALL_MODEL, img_size=(28, 84), class_token=False, num_registers=3, pool="mean")


def test_rows_are_digits_side_by_side(small_dataset):
    places = np.array([[5, 0, 7], [1, 1, 2]])
    images, labels = compose(small_dataset.train, places)
    assert images.shape == (2, 1, 28, 84)
    for row, column in np.ndindex(2, 3):
        digit = places[row, column]
        np.testing.assert_array_equal(
            images[row, :, :, 28 * column : 28 * column + 28], small_dataset.train.images[digit]
        )
        assert labels[row, column] == small_dataset.train.labels[digit]


def test_the_first_digit_is_given_and_the_others_are_drawn():
    first = np.arange(50)
    places = others(80, first, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(places[:, 0], first)
    assert places.shape == (50, 4)
    assert len(np.unique(places[:, 1:])) > 40
    assert places.max() < 80
    np.testing.assert_array_equal(others(80, first, 1, np.random.default_rng(0)), first[:, None])


def test_a_batch_is_the_rows_normalised(small_dataset):
    config = ReadConfig(model=MODEL, augment="none")
    chosen = np.array([3, 8, 1])
    images, labels = READ.batch(config, small_dataset, chosen, generator(0, "step", 1))
    places = others(200, chosen, 3, generator(0, "step", 1))
    wanted, classes = compose(small_dataset.train, places)
    np.testing.assert_array_equal(images, normalize(wanted, small_dataset.mean, small_dataset.std))
    np.testing.assert_array_equal(labels, classes)
    piece, _ = READ.batch(config, small_dataset, chosen[1:], BatchRows(generator(0, "step", 1), 3, slice(1, 3)))
    np.testing.assert_array_equal(piece, images[1:])


def test_digits_of_a_row_are_augmented_one_by_one(small_dataset):
    config = ReadConfig(model=MODEL)
    same = np.array([4, 4])
    images, _ = READ.batch(config, small_dataset, same, generator(0, "step", 1))
    assert not np.array_equal(images[0, ..., :28], images[1, ..., :28])


@pytest.mark.parametrize("digits", [1, 2, 5])
def test_the_model_fits_rows_of_any_length(small_dataset, digits):
    said = []
    config = READ.fit(ReadConfig(digits=digits), small_dataset, ("img_size", "in_chans", "num_classes"), said.append)
    assert config.model.image_shape == (28, 28 * digits)
    assert config.model.num_registers == digits
    READ.check(config, small_dataset)
    model = READ.build(config, np.random.default_rng(0))
    assert READ.answers(config, model, small_dataset, "dev", slice(0, 4)).shape == (4, digits + 1)


def test_the_test_rows_are_the_same_for_all(small_dataset):
    config = ReadConfig(model=MODEL, seed=3)
    images, labels = READ.rows(config, small_dataset, "test", ALL)
    some, few = READ.rows(config, small_dataset, "test", slice(20, 30))
    np.testing.assert_array_equal(images[20:30], some)
    np.testing.assert_array_equal(labels[20:30], few)
    other, _ = READ.rows(dataclasses.replace(config, seed=4), small_dataset, "test", ALL)
    assert not np.array_equal(images, other)


def test_the_truth_as_answers_is_all_right(small_dataset):
    config = ReadConfig(model=MODEL)
    _, labels = READ.rows(config, small_dataset, "dev", ALL)
    answers = np.concatenate([labels, np.zeros((len(labels), 1))], axis=1).astype(np.float32)
    assert READ.judge(config, answers, small_dataset, "dev").measures == {"rows": 1.0, "digits": 1.0}
    swapped = answers[:, [1, 0, 2, 3]]
    assert READ.judge(config, swapped, small_dataset, "dev").measures["rows"] < 0.5


def test_a_row_of_ones_own_is_read(small_dataset, tmp_path):
    config = ReadConfig(model=MODEL)
    model = READ.build(config, np.random.default_rng(0))
    image = READ.rows(config, small_dataset, "test", slice(0, 1))[0]
    x = normalize(image, small_dataset.mean, small_dataset.std)
    found = READ.predict(config, model, x, image[0], (28, 84), small_dataset.class_names)
    wanted = READ.answers(config, model, small_dataset, "test", slice(0, 1))[0, :-1]
    assert found.words == " ".join(str(int(k)) for k in wanted)
    found.draw("title").savefig(tmp_path / "row.png")
