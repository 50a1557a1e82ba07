"""What a model was fed is a fact that its files tell; a name alone says nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinyvit
from tinyvit import VisionTransformer
from tinyvit.cli import main
from tinyvit.evaluation.dataset import load_dataset_for
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.training import FinetuneConfig, load_trained, train
from tinyvit.training.finetuning import finetune

SHIPPED = Path(tinyvit.__file__).parents[1] / "data" / "mnist-vit"


@pytest.fixture
def fine_tuned(tmp_path):
    """Makes a run on a folder of that name, from the shipped model, so that mean and std are MNIST's as well."""

    def run(name, classes):
        rng = np.random.default_rng(0)
        for folder in (tmp_path / name / each for each in classes):
            folder.mkdir(parents=True)
            for k in range(4):
                Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(folder / f"{k}.png")
        config = FinetuneConfig(
            pretrained=str(SHIPPED), data_dir=str(tmp_path / name), output=str(tmp_path / "run"), epochs=1,
            tune="head", crop_scale=1, flip=0,
        )  # fmt: skip
        return finetune(config).folder

    return run


def forget(folder):
    """As runs were before they told."""
    for path in folder.rglob(PREPROCESSOR):
        values = json.loads(path.read_text())
        del values["built_in"]
        path.write_text(json.dumps(values))


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("name", "classes"), [("mnist", "0123456789"), ("fashion-mnist", "ab"), ("MNIST", "01")])
def test_a_run_on_a_folder_is_never_built_in(fine_tuned, name, classes, told):
    run = fine_tuned(name, classes)
    if not told:
        forget(run)
    for path in (run, run / "best", run / "last", run / "best" / "model.safetensors"):
        preprocessing = load_trained(path)[1]
        assert (preprocessing.dataset, preprocessing.class_names, preprocessing.built_in) == (
            name,
            tuple(classes),
            False,
        )
    picture = run.parent / name / classes[0] / "0.png"
    assert preprocessing.prepare(picture).done == ""
    np.testing.assert_array_equal(preprocessing.prepare(picture).image[0], np.asarray(Image.open(picture)))
    dataset = load_dataset_for(preprocessing, data_dir=str(run.parent / name))
    assert sum(map(len, (dataset.train, dataset.dev, dataset.test))) == 4 * len(classes)


@pytest.mark.parametrize("told", [True, False])
def test_a_run_on_a_built_in_data_set_is_wherever_it_lies(small_config, tmp_path, told):
    run = train(small_config).folder
    if not told:
        forget(run)
    shutil.copytree(run / "best", tmp_path / "elsewhere")
    for path in (run, run / "best", run / "last", tmp_path / "elsewhere"):
        assert load_trained(path)[1].built_in


def test_the_shipped_model_is_of_mnist(tmp_path):
    assert load_trained(SHIPPED)[1].built_in
    shutil.copytree(SHIPPED, tmp_path / "model")
    values = json.loads((SHIPPED / PREPROCESSOR).read_text())
    for change in ({"dataset": "digits"}, {"class_names": list("abcdefghij")}, {"image_mean": [0.5]}):
        (tmp_path / "model" / PREPROCESSOR).write_text(json.dumps(values | change))
        assert not load_trained(tmp_path / "model")[1].built_in


@pytest.mark.parametrize("flags", [[], ["--img-size", "56"]])
def test_what_a_model_was_fed_goes_with_it_into_another_layout(flags, tmp_path):
    assert main(["convert", str(SHIPPED), str(tmp_path / "model"), *flags]) == 0
    preprocessing, own = load_trained(tmp_path / "model")[1], load_trained(SHIPPED)[1]
    assert (preprocessing[:4], preprocessing.built_in) == (own[:4], True)
    assert main(["convert", str(SHIPPED), str(tmp_path / "headless"), "--ignore-head", *flags]) == 0
    assert not load_trained(tmp_path / "headless")[1].built_in


def test_a_model_that_nobody_fed_anything(tmp_path):
    VisionTransformer(tinyvit.preset("tiny")).save_pretrained(tmp_path / "model")
    assert not load_trained(tmp_path / "model")[1].built_in
