"""A stopped fine-tuning run goes on with the images it began with, or says what became of them; nothing is written."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.support.notes import Notes
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.errors import UserError
from tinyvit.evaluation.evaluate import evaluate_images
from tinyvit.storage.files import PREPROCESSOR
from tinyvit.storage.run_folder import read_run_config
from tinyvit.training import FinetuneConfig, TrainingInterrupted, load_trained
from tinyvit.training.finetuning import finetune, resume_finetuning, start
from tinyvit.training.step import TrainingStep

CLASSES = ("ant", "bee", "cat")
MODEL = ViTConfig(
    img_size=8, patch_size=4, in_chans=3, num_classes=2, embed_dim=8, depth=1, num_heads=2, mlp_ratio=2.0, init_std=0.1
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in: `model`, and `photos` of three classes, 6 images each, every one different."""
    monkeypatch.chdir(tmp_path)
    VisionTransformer(MODEL, rng=np.random.default_rng(0)).save_pretrained("model")
    for k, name in enumerate(CLASSES):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(6):
            write_image(tmp_path / "photos" / name / f"{i}.png", seed=6 * k + i)
    return tmp_path


def write_image(path, *, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 10, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def stopped(place, monkeypatch):
    """The folder of a run of three steps an epoch that was stopped after the fourth."""

    def stop_after(steps=4, **options):
        take_step = TrainingStep.__call__

        def stops(self, step):
            loss = take_step(self, step)
            if step + 1 == steps:
                raise KeyboardInterrupt
            return loss

        monkeypatch.setattr(TrainingStep, "__call__", stops)
        flags = {"pretrained": "model", "data_dir": "photos", "output": "run", "batch_size": 4, "device": "cpu"}
        config = FinetuneConfig(**flags | {"epochs": 2, "lr": 1e-2, "checkpoint_seconds": 0.0} | options)
        with pytest.raises((KeyboardInterrupt, TrainingInterrupted)):
            finetune(config)
        monkeypatch.setattr(TrainingStep, "__call__", take_step)
        return place / "run"

    return stop_after


def everything_in(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def weights_of(folder):
    return VisionTransformer.from_pretrained(folder).parameters()


def test_the_list_is_there_before_the_first_step(stopped, place):
    run = stopped(steps=1)
    values = json.loads((run / "pictures.json").read_text())
    assert values["class_names"] == list(CLASSES)
    rows = [row for split in ("train", "dev", "test") for row in values[split]]
    assert {row["path"] for row in rows} == {str(p.relative_to(place / "photos")) for p in place.rglob("photos/*/*")}
    assert all(row["path"].startswith(CLASSES[row["labels"][0]]) for row in rows)


CHANGES = {
    "a class renamed": (lambda photos: (photos / "ant").rename(photos / "zebra"), "6 renamed: ant is now zebra"),
    "a class gone": (lambda photos: shutil.rmtree(photos / "bee"), "6 missing: bee/0.png"),
    "an image gone": (lambda photos: (photos / "cat" / "5.png").unlink(), "1 missing: cat/5.png"),
    "one gone, one new": (
        lambda photos: shutil.move(shutil.copy(photos / "cat" / "0.png", photos / "cat" / "x.png"), photos / "cat/5.png"),
        "1 changed: cat/5.png",
    ),
    "an image in another class": (
        lambda photos: (photos / "cat" / "1.png").rename(photos / "ant" / "7.png"),
        "1 renamed: cat/1.png is now ant/7.png",
    ),
    "same size, other content": (
        lambda photos: (photos / "bee" / "2.png").write_bytes((photos / "bee" / "2.png").read_bytes()[::-1]),
        "1 changed: bee/2.png",
    ),
    "a link that leads elsewhere": (
        lambda photos: [(photos / "bee" / "2.png").unlink(), os.symlink(photos / "bee/3.png", photos / "bee/2.png")],
        "1 changed: bee/2.png",
    ),
    "all gone": (lambda photos: shutil.rmtree(photos), "photos, with the training images of run, is no folder"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_is_named_and_nothing_is_written(name, stopped, place, monkeypatch, capsys):
    change, sentence = CHANGES[name]
    stopped()
    shutil.copytree("photos", "kept")
    before = everything_in(place / "run")
    change(place / "photos")
    assert main(["finetune", "--resume", "run"]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1
    assert "--data-dir" in err
    assert everything_in(place / "run") == before
    resume_finetuning("run", data_dir="kept")  # the old ones, in a new place


@pytest.mark.parametrize("where", ["photos", "elsewhere"])
def test_it_goes_on_to_the_same_weights_whatever_came_later(where, stopped, place):
    finetune(read_run_config(stopped()), overwrite=True)
    whole = weights_of("run/last")
    stopped(output="again")
    shutil.copytree("photos/ant", "photos/aardvark")
    shutil.copy("photos/ant/0.png", "photos/bee/late.png")
    (place / "photos" / "empty").mkdir()
    if where != "photos":
        shutil.move("photos", where)
    told = Notes()
    resume_finetuning("again", data_dir=where, progress=told)
    moved = [] if where == "photos" else [f"The run goes on with data_dir {where} instead of photos."]
    assert told.notes[:-1] == moved
    assert "7 new: aardvark/0.png" in told.notes[-1]
    for name, array in weights_of("again/last").items():
        np.testing.assert_array_equal(array, whole[name])
    preprocessors = [json.loads((place / "again" / name / PREPROCESSOR).read_text()) for name in ("last", "best")]
    assert preprocessors[0] == preprocessors[1]
    assert preprocessors[0]["dataset"] == "photos"
    assert preprocessors[0]["class_names"] == list(CLASSES)


def test_the_recorded_split_is_measured_and_no_other(stopped, place, capsys, monkeypatch):
    measured = []

    def watched(model, preprocessing, split, **options):
        measured.append({str(path.relative_to(place / "photos")) for path in split.images.paths})
        return evaluate_images(model, preprocessing, split, **options)

    monkeypatch.setattr("tinyvit.evaluation.evaluate.evaluate_images", watched)
    monkeypatch.setattr("tinyvit.evaluation.figures.draw_run", lambda *args: [])
    resume_finetuning(stopped())
    recorded = json.loads((place / "run" / "pictures.json").read_text())
    for k in range(60):  # so many more that a new split would be another
        write_image(place / "photos" / CLASSES[k % 3] / f"a{k}.png", seed=100 + k)
    flags = ["--data-dir", str(place / "photos")]
    for verb, split in (("eval", "test"), ("eval", "dev"), ("eval", "train"), ("plot", "dev")):
        assert main([verb, "run/best", *flags, "--split", split]) == 0
        assert measured.pop() == {row["path"] for row in recorded[split]}
        assert f"has the images of the {split} split that" in capsys.readouterr().out
    gone = recorded["test"][0]["path"]
    (place / "photos" / gone).unlink()
    for verb in ("eval", "plot"):
        assert main([verb, "run"]) == 2
        err = capsys.readouterr().err
        assert f"(1 missing: {gone})" in err
        assert "measure the folder as it is with --data-dir photos" in err
    assert main(["eval", "run", *flags, "--split", "train"]) == 0  # of this split, all are there
    assert main(["eval", "run", *flags]) == 0
    assert "The run was trained on" in capsys.readouterr().out
    assert len(measured.pop()) > 6


def test_a_list_of_other_classes_is_no_list_of_this_run(stopped, place, capsys):
    stopped()
    values = json.loads((place / "run" / "pictures.json").read_text())
    (place / "run" / "pictures.json").write_text(json.dumps(values | {"class_names": ["ant", "cat", "bee"]}))
    assert main(["finetune", "--resume", "run"]) == 2
    assert "ant, cat, bee instead of ant, bee, cat" in capsys.readouterr().err
    (place / "run" / "pictures.json").write_text("{")
    assert main(["finetune", "--resume", "run"]) == 2
    assert "pictures.json is not valid JSON" in capsys.readouterr().err


def test_an_older_run_goes_on_and_says_it_is_unchecked(stopped, place, capsys):
    run = stopped()
    (run / "pictures.json").unlink()
    before = everything_in(run)
    (place / "photos" / "empty").mkdir()
    assert main(["finetune", "--resume", "run"]) == 2
    assert "the classes are not those that run learns: ant, bee, cat, empty instead of" in capsys.readouterr().err
    assert everything_in(run) == before
    (place / "photos" / "empty").rmdir()
    told = Notes()
    resume_finetuning("run", progress=told)
    assert "whether they are still the same cannot be checked" in told.notes[0]
    assert load_trained(run)[1].class_names == CLASSES


def test_overwriting_leaves_no_list_of_another_run(stopped, place):
    run = stopped()
    shutil.rmtree("photos/bee")
    finetune(dataclasses.replace(read_run_config(run), epochs=1), overwrite=True)
    assert json.loads((run / "pictures.json").read_text())["class_names"] == ["ant", "cat"]


def test_the_number_of_threads_is_kept_for_the_same_bits(stopped, place, monkeypatch):
    monkeypatch.setattr(start, "cores", lambda: 3)
    run = stopped()
    assert read_run_config(run).threads == 3
    monkeypatch.setattr(start, "cores", lambda: 1)
    resume_finetuning(run)
    monkeypatch.setattr(start, "cores", lambda: 3)
    finetune(dataclasses.replace(read_run_config(run), output="whole", threads="auto"))
    for name, array in weights_of("run/last").items():
        np.testing.assert_array_equal(array, weights_of("whole/last")[name])


def test_resume_reads_no_config_of_another_run(stopped):
    with pytest.raises(UserError, match="holds no config"):
        resume_finetuning(stopped() / "figures")
