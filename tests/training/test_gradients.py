"""However a batch is cut up, the same things happen to each image, and the gradients add up to the same."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from tinyvit.backend import keep_freed_memory
from tinyvit.backend.random import BatchRows
from tinyvit.bench.setting import one_batch
from tinyvit.config.costs import model_costs
from tinyvit.config.presets import PRESETS
from tinyvit.optim import FlatArrays
from tinyvit.training import TrainConfig, loss_and_gradients, training_batch
from tinyvit.training.gradients import Part, part_rows
from tinyvit.training.state import build_model


@pytest.mark.parametrize("rows", [slice(0, 10), slice(0, 3), slice(7, 10), slice(4, 4)])
def test_rows_of_a_batch_draw_what_the_whole_batch_would(rows):
    whole, some = np.random.default_rng(5), BatchRows(np.random.default_rng(5), 10, rows)
    n = rows.stop - rows.start
    np.testing.assert_array_equal(some.uniform(-1, 1, (n, 5)), whole.uniform(-1, 1, (10, 5))[rows])
    np.testing.assert_array_equal(some.integers(0, 9, (n, 2)), whole.integers(0, 9, (10, 2))[rows])
    np.testing.assert_array_equal(some.random((n, 4, 3)), whole.random((10, 4, 3))[rows])


@pytest.fixture(params=["affine", "shift", "none"])
def config(request, small_config):
    """All kinds of randomness at once."""
    model = dataclasses.replace(small_config.model, drop_rate=0.2)
    return dataclasses.replace(small_config, model=model, augment=request.param, label_smoothing=0.1)


def batch_gradient(config, dataset, count, step):
    """The loss and the gradient that `count` parts come to."""
    model = build_model(config)
    total, loss = FlatArrays(model.parameters()), 0.0
    for index in range(count):
        part = Part(config, dataset, model, FlatArrays(model.parameters()), index, count)
        part.grads.vector.fill(np.nan)  # whatever was there before must not matter
        loss += float(part.compute(step))
        total.add(part.grads)
    return loss, total.vector


@pytest.mark.parametrize(("count", "micro_batch"), [(2, 0), (3, 0), (5, 3), (1, 7), (1, 1), (40, 0)])
def test_parts_add_up_to_the_batch(config, small_dataset, count, micro_batch):
    wanted_loss, wanted = batch_gradient(config, small_dataset, 1, step=8)
    cut = dataclasses.replace(config, micro_batch=micro_batch)
    loss, vector = batch_gradient(cut, small_dataset, count, step=8)
    assert loss == pytest.approx(wanted_loss, rel=1e-6)
    assert np.abs(vector - wanted).max() < 1e-6 * np.abs(wanted).max() + 1e-7


def test_one_part_is_the_gradient_of_the_mean_loss(small_config, small_dataset):
    config = dataclasses.replace(small_config, augment="none", model=dataclasses.replace(small_config.model, drop_path_rate=0.0))  # fmt: skip
    model = build_model(config)
    part = Part(config, small_dataset, model, FlatArrays(model.parameters()), 0, 1)
    loss = part.compute(step=7)  # the second batch of the second epoch, which has 6
    chosen = part._order[32:64]
    assert part._epoch == 1
    images, labels = training_batch(config, small_dataset, chosen, np.random.default_rng(0))
    wanted_loss, wanted = loss_and_gradients(model, images, labels)
    assert float(loss) == float(wanted_loss)
    for name, array in wanted.items():
        np.testing.assert_array_equal(part.grads[name], array)


def test_every_image_is_some_parts():
    for n in (1, 5, 32, 100):
        for count in (1, 2, 3, 7):
            parts = [part_rows(n, index, count) for index in range(count)]
            assert [row for rows in parts for row in range(n)[rows]] == list(range(n))
            sizes = [rows.stop - rows.start for rows in parts]
            assert max(sizes) - min(sizes) <= 1


def peak_bytes(batch_size):
    """The most that a step allocates, counted by NumPy itself."""
    config = TrainConfig(batch_size=batch_size, augment="none", workers=1, device="cpu")
    model = build_model(config)
    part = Part(config, one_batch(config.model, batch_size), model, FlatArrays(model.parameters()), 0, 1)
    part.compute(0)
    tracemalloc.start()
    part.compute(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_memory_follows_the_cost_table_and_not_the_batch():
    saved = 4 * sum(cost.saved for cost in model_costs(PRESETS["tiny"]).values())  # bytes per image
    small, large = peak_bytes(128), peak_bytes(1024)
    assert saved * 128 < small < 1.5 * saved * 128
    assert large < 1.25 * small  # eight pieces, one after the other


def test_kept_memory_changes_no_number(small_config, small_dataset):
    before = batch_gradient(small_config, small_dataset, 2, step=3)
    keep_freed_memory()
    after = batch_gradient(small_config, small_dataset, 2, step=3)
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1], after[1])
