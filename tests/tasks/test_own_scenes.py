"""Masks and boxes of one's own, from the folder to a trained model."""

import dataclasses
import json
import re

import numpy as np
import pytest
from PIL import Image

from tinyvit.cli import main
from tinyvit.config.scenes import DetectConfig, SegmentConfig
from tinyvit.errors import UserError
from tinyvit.images.processor import ImageProcessor
from tinyvit.storage.tensors import read_arrays
from tinyvit.tasks import TASKS, task_of
from tinyvit.tasks.opened import OpenedModel
from tinyvit.training import resume, train
from tinyvit.training.progress import Progress

SMALL = {"embed_dim": 8, "depth": 1, "num_heads": 2, "img_size": 16, "patch_size": 4}


def squares(folder, n=8):
    """Images of 24 x 20 pixels with a bright square; its place in each."""
    rng, places = np.random.default_rng(0), []
    (folder / "images").mkdir(parents=True)
    for k in range(n):
        x, y = rng.integers(0, 10, 2)
        pixels = np.full((24, 20), 30, np.uint8)
        pixels[y : y + 8, x : x + 8] = 220
        Image.fromarray(pixels).save(folder / "images" / f"{k}.png")
        places.append((int(x), int(y)))
    return places


def with_masks(folder):
    (folder / "masks").mkdir(parents=True)
    for k, (x, y) in enumerate(squares(folder)):
        mask = np.zeros((24, 20), np.uint8)
        mask[y : y + 8, x : x + 8] = 1
        picture = Image.frombytes("P", (20, 24), mask.tobytes())
        picture.putpalette([0, 0, 0, 255, 0, 0])
        picture.save(folder / "masks" / f"{k}.png")
    (folder / "classes.txt").write_text("nothing\nsquare\n")


def with_boxes(folder):
    places = squares(folder)
    values = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 20, "height": 24} for k in range(len(places))],
        "annotations": [{"image_id": k, "category_id": 1, "bbox": [x, y, 8, 8]} for k, (x, y) in enumerate(places)],
        "categories": [{"id": 1, "name": "square"}],
    }
    (folder / "train.json").write_text(json.dumps(values))


def config_for(task, folder):
    kind, make = {"segment": (SegmentConfig, with_masks), "detect": (DetectConfig, with_boxes)}[task]
    make(folder / "data")
    model = dataclasses.replace(kind().model, **SMALL)
    return kind(
        model=model, data_dir=str(folder / "data"), output=str(folder / "run"), epochs=2, batch_size=2, workers=1,
        checkpoint_seconds=0.0,
    )  # fmt: skip


class Notes(Progress):
    def __init__(self):
        self.said = []

    def note(self, sentence):
        self.said.append(sentence)


FREE = ("img_size", "patch_size", "in_chans", "num_classes")


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_from_the_folder_to_a_trained_model(task, tmp_path):
    config, progress = config_for(task, tmp_path), Notes()
    train(config, progress=progress, free=("in_chans", "num_classes"))
    assert any("resized to 16x16 pixels" in sentence for sentence in progress.said)
    assert any("held back" in sentence for sentence in progress.said)
    report = (tmp_path / "run" / "report.txt").read_text()
    assert "square" in report
    settings = json.loads((tmp_path / "run" / "config.json").read_text())
    assert settings["model"]["num_classes"] == (2 if task == "segment" else 1)
    assert settings["model"]["in_chans"] == 1


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_a_run_resumes_on_the_same_images_alone(task, tmp_path):
    config = config_for(task, tmp_path)
    train(config, progress=Notes(), free=FREE)
    weights = read_arrays(next((tmp_path / "run").glob("best/**/head.safetensors")))
    resume(tmp_path / "run")
    for name, array in read_arrays(next((tmp_path / "run").glob("best/**/head.safetensors"))).items():
        np.testing.assert_array_equal(array, weights[name])
    Image.new("L", (20, 24), 7).save(tmp_path / "data" / "images" / "3.png")
    with pytest.raises(UserError, match=r"are not those that .* began with"):
        resume(tmp_path / "run")


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_it_is_evaluated_on_folders_of_its_kind_alone(task, tmp_path, capsys):
    config = config_for(task, tmp_path)
    history = train(config, progress=Notes(), free=FREE)
    assert main(["eval", str(history.folder), "--split", "dev"]) == 0
    assert "dev split of data, 1 examples" in capsys.readouterr().out
    other = {"segment": "detect", "detect": "segment"}[task]
    config_for(other, tmp_path / "other")
    assert main(["eval", str(history.folder), "--data-dir", str(tmp_path / "other" / "data")]) == 2
    assert f"and the task {task} learns from" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["eval", str(history.folder), "--data-dir", str(tmp_path / "empty")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["train", "--task", task, "--data-dir", str(tmp_path / "other" / "data")]) == 2
    assert f"or use --task {other}" in capsys.readouterr().err


def test_other_images_are_looked_at(tmp_path, capsys):
    history = train(config_for("segment", tmp_path), progress=Notes(), free=FREE)
    Image.new("RGB", (50, 31), (240, 240, 240)).save(tmp_path / "bright.png")
    pictures = [str(tmp_path / name) for name in ("bright.png", "nowhere.png", "data/images/1.png")]
    assert main(["predict", str(history.folder), *pictures, "--plot"]) == 2
    said = capsys.readouterr()
    first, drawn, second, _ = said.out.splitlines()
    assert "bright.png: pixels of " in first  # and not inverted: the model learned such images
    assert "1.png: pixels of " in second
    assert (tmp_path / drawn.strip()).stat().st_size > 1000
    assert "nowhere.png" in said.err
    assert main(["predict", str(history.folder), pictures[0], "--csv", "x.csv"]) == 2
    assert "--csv is for classifiers" in capsys.readouterr().err


@pytest.mark.parametrize(("level", "inverted"), [(255, True), (200, True), (90, False), (0, False)])
def test_dark_on_white_is_inverted_for_models_of_canvases(level, inverted, tmp_path):
    pixels = np.full((30, 40), level, np.uint8)
    pixels[10:20, 10:20] = 128
    Image.fromarray(pixels).save(tmp_path / "p.png")
    processor = ImageProcessor(in_chans=1, size=(15, 20))
    opened = OpenedModel(None, None, (), processor, is_drawing=True)
    image, size, done = opened.read(tmp_path / "p.png")
    assert size == (30, 40)
    assert bool(done) == inverted
    assert image[0, 0, 0] == (255 - level if inverted else level)
    assert not opened._replace(is_drawing=False).read(tmp_path / "p.png")[2]


def heic(place):
    place.write_bytes(b"\0\0\0\x18ftypheic")


def other_json(place):
    place.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))


SPOILED = [
    ("segment", "images/alone.png", lambda place: Image.new("L", (20, 24)).save(place), "1 images have no mask"),
    ("segment", "masks/alone.png", lambda place: Image.new("L", (20, 24)).save(place), "1 masks have no image"),
    ("segment", "images/0.psd", heic, r"do not end as those of images do, left out: \.psd"),
    ("segment", "masks/more/9.png", heic, r"images alone are expected are left out: masks/more \(1 image\)"),
    ("detect", "images/alone.png", lambda place: Image.new("L", (20, 24)).save(place), "1 images in .* no JSON file"),
    ("detect", "new/phone.heic", heic, "1 images in .* no JSON file and are left out: new/phone.heic"),
    ("detect", "annotations/someone.json", other_json, "JSON files of no split are left out"),
]


@pytest.mark.parametrize(("task", "name", "write", "sentence"), SPOILED)
def test_strict_stops_before_a_run_where_a_file_is_left_out(task, name, write, sentence, tmp_path):
    config, progress = config_for(task, tmp_path), Notes()
    place = tmp_path / "data" / name
    place.parent.mkdir(exist_ok=True)
    write(place)
    with pytest.raises(UserError, match="1 file was left out or cannot be used, as told above, and --strict forbids"):
        train(config, progress=progress, strict=True, free=FREE)
    assert any(re.search(sentence, said) for said in progress.said), progress.said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_strict_has_nothing_against_a_folder_that_is_whole(task, tmp_path):
    config, progress = config_for(task, tmp_path), Notes()
    (tmp_path / "data" / "images" / ".DS_Store").write_bytes(b"macOS")
    train(dataclasses.replace(config, epochs=1), progress=progress, strict=True, free=FREE)
    assert "Left out as hidden or made by machines: .DS_Store." in progress.said
    assert (tmp_path / "run" / "report.txt").exists()


@pytest.mark.parametrize(
    ("task", "free"), [("segment", 8 * 2 * 256 - 1), ("detect", 8 * (256 + 20) - 1), ("segment", 0)]
)
def test_images_with_masks_or_boxes_have_to_fit_into_memory(task, free, tmp_path, monkeypatch):
    config, progress = config_for(task, tmp_path), Notes()
    monkeypatch.setattr("tinyvit.datasets.memory.free_memory", lambda: free)
    with pytest.raises(UserError, match=r"8 images of 16x16 pixels, grey, take 0.0 MiB of memory, and .*smaller"):
        train(config, progress=progress, free=FREE)
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr("tinyvit.datasets.memory.free_memory", lambda: 4096)
    task_of(config).dataset(config, progress.note)
    assert "8 images of 16x16 pixels, grey, take 0.0 MiB and are held in memory, resized." in progress.said
    with pytest.raises(UserError, match="twice with worker processes"):
        task_of(config).dataset(dataclasses.replace(config, workers=2), progress.note)


@pytest.mark.parametrize(("task", "layout"), [("segment", "images and masks"), ("detect", "COCO's train.json")])
def test_a_folder_of_neither_is_not_taken_for_classes(task, layout, tmp_path, capsys):
    for name in ("pictures of cats", "shapes"):  # which were meant to be images and masks
        squares(tmp_path / name)
    assert main(["train", "--task", task, "--data-dir", str(tmp_path), "--output", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path} has no {TASKS[task].truth.name}: give a folder with" in said
    assert layout in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_other_folders_are_left_to_others(task, tmp_path):
    kind = {"segment": SegmentConfig, "detect": DetectConfig}[task]
    classes = kind(data_dir=str(tmp_path), dataset="folder")
    assert TASKS[task].dataset(classes, print) is None
    assert task_of(classes) is TASKS[task]
    (tmp_path / "train-images").touch()
    (tmp_path / "train-labels").touch()
    assert TASKS[task].dataset(kind(data_dir=str(tmp_path)), print) is None  # IDX files
