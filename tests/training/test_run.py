"""The folder of a run: what is read from it is looked at first, and what is drawn about it is not lost."""

import dataclasses
import json

import numpy as np
import pytest

from tinyvit.errors import UserError
from tinyvit.evaluation import dataset as evaluation_dataset
from tinyvit.evaluation.dataset import load_dataset_for
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.storage.metrics import read_metrics
from tinyvit.storage.run_folder import run_folder
from tinyvit.training import load_trained, train


@pytest.fixture
def folder(small_config):
    """The folder of a run of one epoch."""
    return train(dataclasses.replace(small_config, epochs=1)).folder


def test_metrics_come_back(folder):
    epochs = read_metrics(folder)
    assert [epoch["epoch"] for epoch in epochs] == [1]
    (folder / "metrics.jsonl").unlink()
    assert read_metrics(folder) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text + text,
        lambda text: text.replace('"epoch": 1', '"epoch": NaN'),
        lambda text: text.replace('"epoch": 1', '"epoch": "one"'),
        lambda text: text.replace("dev_loss", "loss"),
        lambda text: "[1]\n",
        lambda text: "[" * 100_000,
        lambda text: "\n" + text,
        lambda text: "\0",
    ],
    ids=["cut", "twice", "NaN", "text", "other names", "list", "deep", "empty line", "no text"],
)
def test_damaged_metrics_get_one_sentence(folder, damage):
    path = folder / "metrics.jsonl"
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=r"metrics\.jsonl is damaged") as caught:
        read_metrics(folder)
    assert len(str(caught.value)) < 400


TEN = [str(digit) for digit in range(10)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"class_names": TEN[:9]}, "class_names must be 10 names"),
        ({"class_names": None}, "class_names must be 10 names"),
        ({"class_names": "0123456789"}, "class_names must be 10 names"),
        ({"class_names": [*TEN[:9], 9]}, "class_names must be 10 names"),
        ({"class_names": [*TEN[:9], "\ud800"]}, "class_names must be 10 names"),
        ({"image_mean": [10**400]}, "image_mean must be a number from 0 to 1 for each channel"),
        ({"image_mean": [float("nan")]}, "image_mean must be a number from 0 to 1 for each channel"),
        ({"image_mean": ["0.1"]}, "image_mean must be a number from 0 to 1 for each channel"),
        ({"image_mean": []}, "image_mean must be a number from 0 to 1 for each channel"),
        ({"image_mean": 0.1}, "image_mean must be a number from 0 to 1 for each channel"),
        ({"image_std": [0]}, "image_std must be a number from 0.0001 to 1 for each channel"),
        ({"image_std": [float("inf")]}, "image_std must be a number from 0.0001 to 1 for each channel"),
        ({"dataset": ["mnist"]}, "dataset must be a name"),
        ({"dataset": "\ud800"}, "dataset must be a name"),
        ({"built_in": 1}, "built_in must be true or false"),
        ({"built_in": None}, "built_in must be true or false"),
        ({"dataset": "photos"}, "dataset must be one of mnist, fashion-mnist, .* where built_in is true"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else ascii(value)[:40],
)
def test_a_damaged_preprocessor_gets_one_sentence(folder, change, sentence):
    path = folder / "best" / PREPROCESSOR
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=rf"preprocessor_config\.json is damaged \({sentence}, got") as caught:
        load_trained(folder)
    assert len(str(caught.value)) < 400
    str(caught.value).encode()


@pytest.mark.parametrize("names", [7.5, {"a": 1}, ["cat"], "0123456789"])
def test_class_names_count_only_where_a_data_set_is_named(folder, names):
    path = folder / "best" / PREPROCESSOR
    values = json.loads(path.read_text()) | {"class_names": names}
    del values["dataset"]
    path.write_text(json.dumps(values))
    assert load_trained(folder)[1].class_names == tuple(TEN)


def test_the_data_set_is_read_as_the_model_was_fed(folder, small_dataset, monkeypatch):
    monkeypatch.setattr(evaluation_dataset, "load_dataset", lambda *args, **kwargs: small_dataset)
    _, preprocessing = load_trained(folder)
    preprocessing = preprocessing._replace(mean=0.5, std=0.25, class_names=tuple("abcdefghij"))
    dataset = load_dataset_for(preprocessing)
    assert (dataset.mean, dataset.std, dataset.class_names) == (0.5, 0.25, tuple("abcdefghij"))
    np.testing.assert_array_equal(dataset.test.images, small_dataset.test.images)
    with pytest.raises(UserError, match="mnist has 10 classes but the model has 9"):
        load_dataset_for(preprocessing._replace(class_names=tuple("abcdefghi")))


def test_what_is_drawn_about_a_checkpoint_belongs_to_its_run(folder, tmp_path, monkeypatch):
    assert run_folder(folder) == folder
    for name in ("last", "best"):
        assert run_folder(folder / name) == folder
        monkeypatch.chdir(folder / name)
        assert run_folder(".") == folder
    (tmp_path / "best").mkdir()  # of nobody's run
    assert run_folder(tmp_path / "best") == tmp_path / "best"
