"""Transfer: the labels that are used, the weights that a run begins with, and what is refused."""

import dataclasses

import numpy as np
import pytest

from tests.support.notes import Notes, Stops
from tests.support.small_run import SMALL_MODEL, small_dataset
from tinyvit.config.mae import TransferConfig
from tinyvit.errors import UserError
from tinyvit.tasks import TASKS
from tinyvit.tasks.fit import FREE
from tinyvit.tasks.transfer import few_labels
from tinyvit.training import TrainingInterrupted, resume, start, train
from tinyvit.vit import VisionTransformer

TASK = TASKS["transfer"]
ENCODER = dataclasses.replace(SMALL_MODEL, num_classes=0, pool="mean", drop_path_rate=0.0)
CONFIG = TransferConfig(model=dataclasses.replace(ENCODER, num_classes=10), num_labels=30, batch_size=16, epochs=1)


@pytest.fixture(scope="module")
def dataset():
    return small_dataset()


@pytest.fixture
def init(tmp_path):
    VisionTransformer(ENCODER, rng=np.random.default_rng(7)).save_pretrained(tmp_path / "encoder")
    return str(tmp_path / "encoder")


def test_as_many_labels_of_each_class(dataset):
    chosen = few_labels(CONFIG, dataset)
    assert len(set(chosen)) == 30
    assert np.bincount(dataset.train.labels[chosen]).tolist() == [3] * 10
    assert set(chosen) != set(few_labels(dataclasses.replace(CONFIG, seed=1), dataset))
    assert few_labels(dataclasses.replace(CONFIG, num_labels=0), dataset).tolist() == list(range(200))


@pytest.mark.parametrize("count", [10, 30, 100])
def test_an_epoch_shows_them_all_equally_often(dataset, count):
    config = dataclasses.replace(CONFIG, num_labels=count)
    order = TASK.order(config, dataset, 3)
    assert len(order) == TASK.epoch_size(config, dataset) == max(1600, 20 * count)
    seen = np.bincount(order, minlength=200)
    assert seen[few_labels(config, dataset)].min() >= seen.max() - 1
    assert seen.sum() == seen[few_labels(config, dataset)].sum()
    assert not np.array_equal(order, TASK.order(config, dataset, 4))


@pytest.mark.parametrize(
    ("count", "said"), [(15, "a multiple of the 10 classes"), (2000, "200 images of each class, and mnist has")]
)
def test_labels_that_cannot_be_had(dataset, count, said):
    with pytest.raises(UserError, match=said):
        TASK.check(dataclasses.replace(CONFIG, num_labels=count), dataset)


def test_the_model_is_the_one_that_is_given(dataset, init):
    config = TASK.fit(TransferConfig(init=init), dataset, FREE, lambda note: None)
    assert config.model == dataclasses.replace(ENCODER, num_classes=10)
    model, given = TASK.build(config, np.random.default_rng(0)), VisionTransformer.from_pretrained(init)
    for name, array in given.parameters().items():
        np.testing.assert_array_equal(model.parameters()[name], array)
    scales = TASK.lr_scales(config, list(model.parameters()))
    assert scales["head.weight"] == 1 > scales["blocks.1.attn.qkv.weight"] > scales["blocks.0.norm1.weight"]
    assert not TASK.lr_scales(CONFIG, list(model.parameters()))


@pytest.mark.parametrize("change", [{"embed_dim": 8}, {"depth": 3}, {"gelu": "tanh"}])
def test_another_model_is_refused(dataset, init, change):
    config = TransferConfig(init=init)
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, **change))
    with pytest.raises(UserError, match=f"{next(iter(change))} is another there: leave {next(iter(change))} out"):
        TASK.fit(config, dataset, FREE, lambda note: None)


def test_a_stopped_run_goes_on_without_what_it_began_with(init, tmp_path, monkeypatch, dataset):
    monkeypatch.setattr(start, "load_dataset", lambda *args, **kwargs: dataset)
    config = dataclasses.replace(CONFIG, init=init, workers=1, output=str(tmp_path / "whole"))
    whole = train(config, progress=Notes())
    with pytest.raises(TrainingInterrupted):
        train(dataclasses.replace(config, output=str(tmp_path / "run")), progress=Stops(3))
    (tmp_path / "encoder" / "model.safetensors").unlink()
    ended = resume(tmp_path / "run", progress=Notes())
    for name, array in whole.best.model.parameters().items():
        np.testing.assert_array_equal(ended.best.model.parameters()[name], array)
