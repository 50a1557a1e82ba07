"""What `tinyvit predict` says of images of all kinds, and where what it and `tinyvit plot` draw ends up."""

import csv
import dataclasses
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.images import CLASSES, write_images, write_model
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main, predict
from tinyvit.plots.figure import new_figure, save_figure
from tinyvit.pretrained import save_model_folder
from tinyvit.storage.files import CONFIG, PREPROCESSOR
from tinyvit.storage.run_folder import figures_folder
from tinyvit.training import load_trained


@pytest.fixture
def drawing(tmp_path):
    image = Image.new("L", (60, 60))
    ImageDraw.Draw(image).line([(30, 10), (30, 50)], fill=255, width=5)
    image.save(tmp_path / "one.png")
    return tmp_path / "one.png"


@pytest.fixture
def own_run(trained_run, tmp_path):
    """A copy of the run, without its images."""
    return shutil.copytree(trained_run[0], tmp_path / "run", ignore=shutil.ignore_patterns("figures"))


def test_images_of_the_same_name_get_figures_of_their_own():
    paths = [Path(path) for path in ("a/p.png", "b/p.png", "c/p-2.png", "d/p.jpg", "q.png")]
    assert predict._figure_names(paths) == [
        "predict-p.png", "predict-p-2.png", "predict-p-2-2.png", "predict-p-3.png", "predict-q.png",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["m" * 246, "\N{CAT FACE}" * 61, "é" * 120, "猫" * 80, os.fsdecode(b"\xff" * 240)])
def test_figures_of_long_names_can_be_written(tmp_path, name):
    names = predict._figure_names([Path(f"{place}/{name}.png") for place in "ab"])
    assert len(set(names)) == 2
    for figure in names:
        save_figure(new_figure(1, 1), tmp_path / figure)
        assert (tmp_path / figure).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["last", "best"])
def test_figures_of_a_checkpoint_are_drawn_into_its_run(own_run, tinyvit, drawing, name):
    before = {path.name for path in (own_run / name).iterdir()}
    for arguments in (["predict", own_run / name, drawing, drawing, "--plot"], ["plot", own_run / name]):
        result = tinyvit(*arguments)
        assert result.returncode == 0, result.stderr
    assert {path.name for path in (own_run / name).iterdir()} == before
    assert {path.name for path in (own_run / "figures").iterdir()} == {
        "predict-one.png", "predict-one-2.png",
        "curves.png", "confusion.png", "mistakes.png", "attention.png", "positions.png",
    }  # fmt: skip


def test_a_model_without_blocks_has_nothing_to_overlay(own_run, tinyvit, drawing):
    config = ViTConfig.from_dict(json.loads((own_run / CONFIG).read_text())["model"])
    model = VisionTransformer(dataclasses.replace(config, depth=0), rng=np.random.default_rng(0))
    preprocessor = {PREPROCESSOR: (own_run / "best" / PREPROCESSOR).read_bytes()}
    save_model_folder(own_run / "best", model.config, model.state_dict(), preprocessor)
    result = tinyvit("predict", own_run, drawing, "--plot")
    assert result.returncode == 2
    assert result.stderr == f"tinyvit: {own_run} has no blocks, so there is no attention to draw: leave out --plot\n"
    assert tinyvit("predict", own_run, drawing).returncode == 0


def test_damaged_metrics_get_one_sentence(own_run, tinyvit):
    (own_run / "metrics.jsonl").write_text("{")
    result = tinyvit("plot", own_run)
    assert result.returncode == 2
    assert "metrics.jsonl is damaged" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_eval_normalises_as_the_model_was_fed(own_run, tinyvit):
    before = tinyvit("eval", own_run).stdout
    path = own_run / "best" / PREPROCESSOR
    path.write_text(json.dumps(json.loads(path.read_text()) | {"image_mean": [1.0]}))
    after = tinyvit("eval", own_run).stdout
    assert before.splitlines()[0] != after.splitlines()[0]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, with a `model` for images and `data`."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "model")
    write_images(tmp_path / "data")
    return tmp_path


def test_any_model_sees_images_as_it_was_trained_to(place, capsys):
    path = "data/val/red/red 0.png"
    assert main(["predict", "model", path, "--top-k", "9"]) == 0
    model, preprocessing = load_trained("model")
    logits = model.predict(preprocessing.processor(Image.open(path))[None])[0]
    probs = np.exp(logits) / np.exp(logits).sum()
    guesses = ", ".join(f"{CLASSES[k]} ({100 * probs[k]:.1f} %)" for k in np.argsort(-probs))
    assert capsys.readouterr().out == f"{path}: {guesses}\n"  # all six, in one line


def test_folders_are_walked_and_the_order_is_kept(place, capsys):
    (place / "data/test/red/deep").mkdir()
    shutil.copy(place / "data/test/red/red 0.png", place / "data/test/red/deep/x.png")
    (place / "data/test/red/notes.txt").write_text("no image")
    (place / "bad.png").write_text("nothing")
    arguments = ["data/test/red", "bad.png", "data/val/blue/blue 0.png", "data/val/green"]
    assert main(["predict", "model", *arguments, "--batch-size", "2", "--csv", "out.csv", "--plot"]) == 2
    out, err = capsys.readouterr()
    files = [
        *(f"data/test/red/{name}.png" for name in ("red 0", "red 1", "red 2", "deep/x")),
        "data/val/blue/blue 0.png",
        "data/val/green/green 0.png",
    ]
    answers = [line for line in out.splitlines() if not line.startswith("  ")]
    assert [line.split(": ")[0] for line in answers] == files
    assert all(line.count("%") == 5 for line in answers)
    left_out, unreadable = err.splitlines()
    assert left_out.endswith(
        "data/test/red whose names do not end as those of images do, left out: .txt (1). The first: notes.txt."
    )
    assert "bad.png" in unreadable
    table = list(csv.DictReader((place / "out.csv").read_text().splitlines()))
    assert [row["file"] for row in table] == files
    assert "label" not in table[0]
    for row, line in zip(table, answers, strict=True):
        assert f": {row['prediction']} ({100 * float(row['probability']):.1f} %), {row['guess_2']} (" in line
    names = {"red 0", "red 1", "red 2", "x", "blue 0", "green 0"}
    assert {path.name for path in (place / "model/figures").iterdir()} == {f"predict-{name}.png" for name in names}


def test_a_folder_without_images_keeps_nobody_else_waiting(place, capsys):
    (place / "empty").mkdir()
    assert main(["predict", "model", "empty", "nowhere.png", "data/val/red"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("data/val/red/red 0.png: ")
    assert err.splitlines() == [
        "tinyvit: empty holds no images: give another folder, or the files themselves",
        "tinyvit: there is no file nowhere.png: check the spelling of the path",
    ]


def test_images_are_not_shown_to_the_model_one_by_one(place, monkeypatch, capsys):
    sizes = []
    predict_alone = VisionTransformer.predict
    monkeypatch.setattr(VisionTransformer, "predict", lambda self, x: sizes.append(len(x)) or predict_alone(self, x))
    assert main(["predict", "model", "data", "--batch-size", "7"]) == 0
    assert sizes == [7, 7, 4]
    assert len(capsys.readouterr().out.splitlines()) == 18


def test_names_of_files_cannot_steer_the_terminal(place, capsys):
    shutil.copy(place / "data/val/red/red 0.png", place / "\x1b[31m.png")
    assert main(["predict", "model", "\x1b[31m.png", "\x1b[32m.png"]) == 2
    assert "\x1b" not in "".join(capsys.readouterr())


def test_a_file_of_weights_gets_figures_beside_it(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"")
    assert figures_folder(tmp_path / "weights.npz") == tmp_path / "figures"


def test_what_is_left_out_or_empty_is_counted(place, capsys, monkeypatch):
    folder = place / "data/val/red"
    assert main(["predict", "model", str(folder), "--strict"]) == 0
    assert capsys.readouterr().err == ""
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(folder / "clear.png")
    assert main(["predict", "model", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert "transparent, and nothing of it can be seen" in out
    assert err == f"tinyvit: of 1 transparent image nothing can be seen: {folder / 'clear.png'}\n"
    assert main(["predict", "model", str(folder), "--strict", "--csv", "out.csv"]) == 2
    assert "--strict forbids" in capsys.readouterr().err.splitlines()[-1]
    assert not (place / "out.csv").exists()
    (folder / "clear.png").unlink()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for k in range(3):
        (folder / f"IMG_{k}.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert main(["predict", "model", str(folder)]) == 2
    err = capsys.readouterr().err.splitlines()
    assert [line.count("pillow-heif") for line in err] == [2, 2, 2, 0]
    assert err[-1] == "tinyvit: 3 of 4 images got no answer"
    for path in folder.glob("*.HEIC"):
        path.rename(path.with_suffix(".mov"))
    assert main(["predict", "model", str(folder)]) == 0
    assert "left out: .mov (3). The first: IMG_0.mov, IMG_1.mov, IMG_2.mov." in capsys.readouterr().err
    assert main(["predict", "model", str(folder), "--strict"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "3 files were left out" in err
