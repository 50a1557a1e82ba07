"""One seed decides everything that is random: first weights, orders, and what happens to images in a step."""

import dataclasses

import numpy as np
import pytest

from tinyvit.backend import generator
from tinyvit.datasets import epoch_order
from tinyvit.tasks import classify
from tinyvit.training import train
from tinyvit.training.state import build_model


@pytest.fixture
def steps(monkeypatch):
    """The images chosen for every step, and the first random number each of them meets."""
    seen = []
    whole_batch = classify.training_batch

    def noting(config, dataset, chosen, rng):
        seen.append((chosen, rng.random((len(chosen), 1))[:, 0]))
        return whole_batch(config, dataset, chosen, rng)

    monkeypatch.setattr(classify, "training_batch", noting)
    return seen


def run(config, seed, steps):
    steps.clear()
    train(dataclasses.replace(config, seed=seed), overwrite=True)
    return [np.stack(parts) for parts in zip(*steps, strict=True)]  # chosen (12, 32), drawn (12, 32)


def test_first_weights_follow_from_the_seed(small_config):
    one, two, other = (
        build_model(dataclasses.replace(small_config, seed=seed)).to("cpu").parameters() for seed in (4, 4, 5)
    )
    matrices = [name for name, array in one.items() if array.ndim > 1]
    assert all(np.array_equal(one[name], two[name]) for name in matrices)
    assert all((one[name] == other[name]).mean() < 0.01 for name in matrices)


def test_orders_and_steps_follow_from_the_seed(small_config, steps):
    for seed in (4, 5):
        chosen, drawn = run(small_config, seed, steps)
        orders = [epoch_order(200, seed=seed, epoch=epoch)[:192].reshape(6, 32) for epoch in (0, 1)]
        np.testing.assert_array_equal(chosen, np.concatenate(orders))
        wanted = [generator(seed, "step", step).random((32, 1))[:, 0] for step in range(12)]
        np.testing.assert_array_equal(drawn, wanted)


def test_another_seed_is_another_order_and_other_random_numbers(small_config, steps):
    (chosen, drawn), (other_chosen, other_drawn) = (run(small_config, seed, steps) for seed in (4, 5))
    assert (chosen == other_chosen).mean() < 0.1
    assert not set(drawn.ravel()) & set(other_drawn.ravel())


def test_no_two_pairs_of_seed_and_step_share_random_numbers():
    draws = [generator(seed, "step", step).random() for seed in range(20) for step in range(20)]
    draws += [generator(seed, "shuffle", epoch).random() for seed in range(20) for epoch in range(20)]
    draws += [generator(seed, "init").random() for seed in range(20)]
    assert len(set(draws)) == len(draws)
