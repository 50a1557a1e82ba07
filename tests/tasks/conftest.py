"""Each task's toy, and data for it."""

import dataclasses

import numpy as np
import pytest

from tests.support.toy_tasks import MODEL, TOYS, B, own_data
from tinyvit.config.tasks import CONFIGS
from tinyvit.datasets import Dataset, Split
from tinyvit.tasks import TASKS
from tinyvit.vit import VisionTransformer


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The folder of a classifier of the toy data."""
    folder = tmp_path_factory.mktemp("teacher")
    VisionTransformer(MODEL, rng=np.random.default_rng(9)).save_pretrained(folder)
    return str(folder)


@pytest.fixture(params=TASKS)
def config(request, teacher):
    more = {"teacher": teacher} if request.param == "distill" else {}
    config = CONFIGS[request.param](**TOYS[request.param], **more, batch_size=B, seed=3)
    return dataclasses.replace(config, model=dataclasses.replace(config.model, drop_path_rate=0.3, drop_rate=0.2))


@pytest.fixture
def dataset(config):
    if own_data(config.task) is not None:
        return own_data(config.task)
    rng = np.random.default_rng(1)

    def split(n):
        return Split(rng.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), rng.integers(0, 5, n))

    return Dataset("toy", tuple("abcde"), 0.4, 0.3, split(30), split(13), split(7))
