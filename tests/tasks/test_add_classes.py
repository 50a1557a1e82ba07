"""The epochs of a run that adds classes: what is kept is half of each batch, and every image comes."""

import types

import numpy as np
import pytest

from tinyvit.config.add_classes import AddClassesConfig
from tinyvit.config.run import FinetuneConfig
from tinyvit.config.tasks import config_of
from tinyvit.tasks import TASKS, task_of
from tinyvit.tasks.add_classes import MIN_IMAGES


@pytest.mark.parametrize(
    ("new", "kept", "size"), [(5, 30, 60), (40, 8, 80), (7, 0, MIN_IMAGES), (MIN_IMAGES + 9, 0, MIN_IMAGES + 9)]
)
def test_every_image_comes_and_half_of_each_batch_is_kept(new, kept, size):
    config = AddClassesConfig(num_known=2, num_kept=kept, batch_size=10)
    dataset = types.SimpleNamespace(train=range(new + kept))
    assert task_of(config).epoch_size(config, dataset) == size
    order = task_of(config).order(config, dataset, 0)
    assert len(order) == size
    assert set(order) == set(range(new + kept))
    if kept:
        assert ((order >= new).reshape(-1, 10).sum(axis=1) == 5).all()
    assert not np.array_equal(order, task_of(config).order(config, dataset, 1))


@pytest.mark.parametrize("config", [AddClassesConfig(replay=3), FinetuneConfig()])
def test_its_config_is_read_back_as_what_it_is(config):
    again = config_of(config.to_dict())
    assert (type(again), again) == (type(config), config)
    assert (task_of(again) is TASKS["classify"]) == (type(config) is FinetuneConfig)
