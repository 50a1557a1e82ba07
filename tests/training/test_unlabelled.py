"""A task that needs no classes learns from any folder of images, however they lie in it."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tests.support.notes import Notes, Stops
from tests.support.small_run import SMALL_MODEL
from tinyvit.cli import main
from tinyvit.config.mae import MAEConfig
from tinyvit.config.run import TrainConfig
from tinyvit.errors import UserError
from tinyvit.training import TrainingInterrupted, resume, train

ENCODER = dataclasses.replace(SMALL_MODEL, img_size=16, patch_size=8, num_classes=0, pool="mean", drop_path_rate=0.0)
LAYOUTS = {
    "flat": ["{}.png"],
    "one folder": ["x/{}.png"],
    "loose beside folders": ["{}.png", "a/{}.png", "a/b/{}.png"],
    "flat in splits": ["train/{}.png", "test/{}.png"],
}


def draw(folder, names):
    rng = np.random.default_rng(0)
    for name in names:
        for k in range(10):
            (path := folder / name.format(k)).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (16, 16), np.uint8)).save(path)


def config_of(kind, **options):
    return kind(model=ENCODER, epochs=2, batch_size=4, workers=1, data_dir="photos", output="run", **options)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_folder_of_images_will_do(layout, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "photos", LAYOUTS[layout])
    notes = Notes()
    config = config_of(MAEConfig, decoder_embed_dim=8, decoder_num_heads=2, checkpoint_seconds=0.0)
    whole = train(dataclasses.replace(config, output="whole"), progress=notes, free=("num_classes",))
    assert any("taken for neither classes nor splits" in note for note in notes.notes)
    with pytest.raises(TrainingInterrupted):
        train(config, progress=Stops(1), free=("num_classes",))
    assert resume("run", progress=Notes()).epochs == whole.epochs
    assert main(["eval", "run"]) == 0
    assert f"{round(0.15 * 10 * len(LAYOUTS[layout]))} examples" in capsys.readouterr().out


@pytest.mark.parametrize("layout", ["flat", "one folder"])
def test_a_classifier_still_asks_for_classes(layout, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "photos", LAYOUTS[layout])
    with pytest.raises(UserError, match=r"no folders in it|of one class only"):
        train(config_of(TrainConfig), progress=Notes())


def test_a_folder_without_images_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/notes.txt").touch()
    with pytest.raises(UserError, match="there are no images in photos: give a folder with some"):
        train(config_of(MAEConfig), progress=Notes())
