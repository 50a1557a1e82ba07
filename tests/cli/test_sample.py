"""`tinyvit sample`: a sheet of images, the way there, and every mistake in a sentence."""

import numpy as np
import pytest
from PIL import Image

from tinyvit.cli import main
from tinyvit.config import ViTConfig
from tinyvit.config.generation import GenerateConfig
from tinyvit.gradcheck.cases import shaken
from tinyvit.layers import DiT
from tinyvit.storage.files import PREPROCESSOR, TASK, to_json
from tinyvit.tasks.model_files import read_task_config, save_model

NAMES = ["zero", "one", "Zwei", "dré"]


@pytest.fixture
def run(tmp_path, rng):
    model = ViTConfig(img_size=(4, 6), patch_size=2, in_chans=3, num_classes=4, embed_dim=8, depth=1, num_heads=2)
    dit = shaken(DiT(model, rng=rng), rng).astype(np.float32)
    config = GenerateConfig(model=model, judge="none", steps=3)
    save_model(tmp_path / "run" / "best", config, dit, {PREPROCESSOR: to_json({"class_names": NAMES})})
    return tmp_path / "run"


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_sheet_and_the_way_there(run, tmp_path, capsys):
    sheet, strip = tmp_path / "new" / "sheet.png", tmp_path / "strip.PNG"
    wanted = [
        "--label",
        "one",
        "dre\u0301",
        "-n",
        "5",
        "--guidance",
        "1.5",
        "--output",
        str(sheet),
        "--strip",
        str(strip),
    ]
    assert main(["sample", str(run), *wanted]) == 0
    said = capsys.readouterr()
    assert said.out == (f"5 images (3 steps, guidance 1.5, seed 0): {sheet}\nthe way to the first 5: {strip}\n")
    assert not said.err
    scale = 56 // 6
    assert pixels(sheet).shape == ((4 + 1 + 4) * scale, (6 + 1 + 6 + 1 + 6) * scale, 3)
    assert len(np.unique(pixels(sheet)[: 4 * scale, : 6 * scale].reshape(-1, 3), axis=0)) > 5
    assert pixels(strip).size


def test_same_seed_same_images(run, tmp_path, capsys):
    def sheet(*flags):
        main(["sample", str(run), "-n", "6", *flags, "--output", str(tmp_path / "a.png")])
        return pixels(tmp_path / "a.png")

    first = sheet()
    np.testing.assert_array_equal(sheet(), first)
    for flags in (["--seed", "1"], ["--steps", "7"], ["--guidance", "4"], ["--label", "zero"]):
        assert not np.array_equal(sheet(*flags), first)


def test_without_a_name_it_goes_to_the_runs_figures(run, capsys):
    assert main(["sample", str(run), "-n", "1"]) == 0
    assert pixels(run / "figures" / "samples.png").ndim == 3


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--label", "five"], "there is no class five: the classes are zero, one, Zwei, dré"),
        (["--label", "zwei"], "there is no class zwei"),
        (["--label", ""], "an empty text names nothing"),
        (["-n", "0"], "whole number from 1"),
        (["-n", "20000"], "at most 10,000 images go on a sheet, got 20,000: make several"),
        (["--guidance", "-1"], "--guidance must be from 0 to 100, got -1: 2 is usual"),
        (["--guidance", "nan"], "--guidance must be from 0 to 100, got nan"),
        (["--guidance", "inf"], "--guidance must be from 0 to 100, got inf"),
        (["--guidance", "two"], "invalid float value: 'two'"),
        (["--steps", "0"], "whole number from 1"),
        (["--steps", "10000"], "--steps must be from 1 to 9,999, got 10,000: 30 are usual"),
        (["--seed", "-4"], "--seed must be a whole number from 0"),
        (["--output", "sheet.jpg"], "images are written as PNG, got the file name sheet.jpg: let it end in .png"),
        (["--strip", "strip"], "images are written as PNG, got the file name strip: let it end in .png"),
        (["--output", "a.png", "--strip", "./a.png"], "--output and --strip are the same file, a.png: give two names"),
        (["--device", "gpu"], "gpu"),
    ],
)
def test_mistakes_are_sentences(flags, sentence, run, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["sample", str(run), *flags])
    except SystemExit as error:
        status = error.code
    assert status == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert not said.out
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_a_place_that_cannot_be_written_is_a_sentence(run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["sample", str(run), "-n", "1", "--output", str(tmp_path / "file" / "a.png")]) == 2
    assert "could not be made" in capsys.readouterr().err
    (tmp_path / "a.png").mkdir()
    assert main(["sample", str(run), "-n", "1", "--output", str(tmp_path / "a.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_model_that_always_saw_labels_is_not_guided(run, tmp_path, capsys):
    config = GenerateConfig(model=read_task_config(run).model, judge="none", steps=3, label_dropout=0.0)
    (run / "best" / TASK).write_bytes(to_json(config.to_dict()))
    sheet = ["sample", str(run), "-n", "2", "--output", str(tmp_path / "sheet.png")]
    assert main(sheet) == 2
    assert "guidance 2 needs a model that has learned without labels, too" in capsys.readouterr().err
    assert not (tmp_path / "sheet.png").exists()
    assert main([*sheet, "--guidance", "1"]) == 0


def test_it_says_nothing_of_single_images(run, tmp_path, capsys):
    Image.new("L", (6, 4)).save(tmp_path / "image.png")
    assert main(["predict", str(run), str(tmp_path / "image.png")]) == 2
    assert "a model of the task generate says nothing of single images" in capsys.readouterr().err
