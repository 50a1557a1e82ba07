"""`tinyvit finetune`: from somebody's model and a folder of images to a run that everybody can read."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import others_slow
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.training import load_trained

CONFIG = ViTConfig(
    img_size=16,
    patch_size=8,
    in_chans=3,
    num_classes=7,
    embed_dim=16,
    depth=2,
    num_heads=2,
    mlp_ratio=2.0,
    init_std=0.1,
)
COLOURS = {"blue": (30, 60, 200), "green": (40, 180, 60), "red": (210, 50, 40)}


@pytest.fixture
def model_folder(tmp_path):
    VisionTransformer(CONFIG, rng=np.random.default_rng(0)).save_pretrained(tmp_path / "pretrained")
    return str(tmp_path / "pretrained")


@pytest.fixture
def pictures(tmp_path):
    """Coloured noise of all sizes: 12 to train on, 4 for dev and 4 for test of each of three colours."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4), ("test", 4)):
        for name, colour in COLOURS.items():
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                height, width = rng.integers(10, 40, 2)
                pixels = np.clip(np.array(colour) + rng.normal(0, 25, (height, width, 3)), 0, 255)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{index}.png")
    return str(tmp_path / "pictures")


@pytest.fixture
def finetune(model_folder, pictures, tmp_path, capsys):
    """Runs the command; returns its exit status, what it printed and its complaints."""

    def run(*flags, model=model_folder, data=pictures):
        start = ["--model", model, "--data-dir", data, "--output", str(tmp_path / "run")]
        status = main(["finetune", *start, "--batch-size", "12", "--lr", "1e-2", "--device", "cpu", *flags])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_it_learns_and_leaves_a_run_that_everybody_reads(finetune, tmp_path):
    status, out, err = finetune("--epochs", "6")
    assert (status, err) == (0, "")
    assert "test accuracy 100.00 %" in out
    assert out.endswith(f"Hugging Face's transformers loads {tmp_path / 'run' / 'best'} as it is.\n")
    run = tmp_path / "run"
    assert {path.name for path in run.iterdir()} >= {
        "config.json",
        "metrics.csv",
        "last",
        "best",
        "figures",
        "report.txt",
    }
    config = json.loads((run / "best" / "config.json").read_text())
    assert config["architectures"] == ["ViTForImageClassification"]
    assert config["id2label"] == {"0": "blue", "1": "green", "2": "red"}
    model, preprocessing = load_trained(run)
    assert preprocessing.class_names == ("blue", "green", "red")
    assert model.config.num_classes == 3


@pytest.mark.parametrize(
    "flags",
    others_slow(
        [
            ["--tune", "head"],
            ["--tune", "last", "--last-blocks", "1", "--layer-decay", "0.7"],
            ["--recompute", "--micro-batch", "5", "--threads", "3", "--drop-path", "0.2"],
            ["--mixup", "0.8", "--cutmix", "1", "--erasing", "0.5", "--rand-augment", "5", "--label-smoothing", "0.1"],
            ["--crop-scale", "1", "--flip", "0", "--ema-decay", "0.9"],
            ["--img-size", "24x32", "--opt", "sgd"],
        ],
        fast=3,
    ),
)
def test_every_way_of_tuning_runs(finetune, tmp_path, flags):
    status, out, err = finetune("--epochs", "1", *flags)
    assert (status, err) == (0, "")
    assert "test accuracy" in out
    if "--img-size" in flags:
        assert load_trained(tmp_path / "run")[0].config.image_shape == (24, 32)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_registers": 2}, "timm loads what tinyvit convert {} OUT --to timm writes."),
        ({"stem": "conv"}, "{}/best can be loaded by tinyvit only: others have no word for a convolutional stem."),
    ],
)
def test_others_are_named_only_where_they_load_the_model(options, sentence, finetune, tmp_path, monkeypatch):
    config = dataclasses.replace(CONFIG, **options)
    VisionTransformer(config, rng=np.random.default_rng(0)).save_pretrained(tmp_path / "special")
    monkeypatch.setattr("tinyvit.evaluation.figures.draw_run", lambda *args: [tmp_path])
    status, out, err = finetune("--epochs", "1", model=str(tmp_path / "special"))
    assert (status, err) == (0, "")
    assert out.endswith(sentence.format(tmp_path / "run") + "\n")


def test_a_model_of_another_dtype_is_trained_in_float32(finetune, model_folder, tmp_path):
    VisionTransformer.from_pretrained(model_folder).astype(np.float64).save_pretrained(tmp_path / "wide")
    status, _, err = finetune("--epochs", "1", model=str(tmp_path / "wide"))
    assert (status, err) == (0, "")
    assert load_trained(tmp_path / "run")[0].cls_token.dtype == np.float32


def test_what_does_not_learn_stays_as_it_was(finetune, model_folder, tmp_path):
    finetune("--epochs", "1", "--tune", "head")
    before, after = (VisionTransformer.from_pretrained(path).parameters() for path in (model_folder, tmp_path / "run"))
    for name, array in after.items():
        if not name.startswith("head."):
            np.testing.assert_array_equal(array, before[name])
    assert after["head.weight"].any()


@pytest.mark.parametrize("flags", others_slow([["--ema-decay", "0.9", "--mixup", "0.5", "--tune", "last"], []]))
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(finetune, tmp_path, flags, monkeypatch):
    from tinyvit.training.step import TrainingStep

    finetune("--epochs", "2", *flags)
    shutil.move(tmp_path / "run", tmp_path / "whole")
    take_step = TrainingStep.__call__

    def stops(self, step):
        loss = take_step(self, step)
        if step + 1 == 4:
            raise KeyboardInterrupt
        return loss

    monkeypatch.setattr(TrainingStep, "__call__", stops)
    assert finetune("--epochs", "2", "--checkpoint-seconds", "0", *flags)[0] == 130
    monkeypatch.undo()
    assert main(["finetune", "--resume", str(tmp_path / "run")]) == 0
    whole, resumed = (VisionTransformer.from_pretrained(tmp_path / name / "last") for name in ("whole", "run"))
    for name, array in resumed.parameters().items():
        np.testing.assert_array_equal(array, whole.parameters()[name])


def test_unreadable_images_are_listed_and_skipped(finetune, tmp_path):
    (tmp_path / "pictures" / "train" / "red" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    shutil.copy(tmp_path / "pictures/train/red/0.png", tmp_path / "pictures/test/red/0.png")
    status, out, _ = finetune("--epochs", "1")
    assert status == 0
    assert "broken.jpg" in out
    assert ": data leakage, the score on it is memorisation" in out


def test_without_a_test_split_the_report_is_on_dev_and_says_so(finetune, tmp_path):
    shutil.rmtree(tmp_path / "pictures" / "test")
    status, out, err = finetune("--epochs", "1")
    assert (status, err) == (0, "")
    assert "the report at the end is on the dev (validation) split" in out


def test_one_level_of_folders_is_split_and_said_so(finetune, tmp_path):
    shutil.copytree(tmp_path / "pictures" / "train", tmp_path / "flat")
    status, out, _ = finetune("--epochs", "1", data=str(tmp_path / "flat"))
    assert status == 0
    assert "split" in out.splitlines()[0]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--img-size", "20"], "does not divide into 8x8 patches, as this model has them: choose img_size 16 or 24"),
        (["--img-size", "100x30"], "choose img_size 96x24 or 104x32"),
        (["--layer-decay", "0"], "layer_decay must be"),
        (["--rand-augment", "11"], "rand_augment must be"),
        (["--resume", "nowhere", "--epochs", "3"], "--resume goes on exactly as the run began"),
    ],
)
def test_what_makes_no_sense_gets_one_sentence(finetune, tmp_path, flags, sentence):
    status, _, err = finetune(*flags)
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("model", "data"), [("nowhere", None), (None, "nowhere")])
def test_what_is_not_there_is_named(finetune, tmp_path, model, data):
    given = {name: str(tmp_path / value) for name, value in (("model", model), ("data", data)) if value}
    status, _, err = finetune(**given)
    assert status == 2
    assert "nowhere" in err
    assert err.count("\n") == 1


def no_image_for_dev(root):
    for path in (root / "val").rglob("*.png"):
        path.write_bytes(b"nothing")
    return "none of the 12 images of the dev split can be read"


def one_image_each(root):
    for split in ("val", "test"):
        shutil.rmtree(root / split)
    for path in root.rglob("*.png"):
        if path.name != "0.png":
            path.unlink()
    return "there are too few images to hold some back for the dev split"


def a_class_that_is_no_utf8(root):
    os.rename(root / "train/red", os.fsencode(root / "train") + b"/r\xf6t")
    return r"the name of the folder r\xf6t in "


def a_split_beside_classes(root):
    shutil.move(root / "train/red", root / "red")
    shutil.move(root / "train/blue", root / "blue")
    return "looks like a split, beside blue, red"


@pytest.mark.parametrize("spoil", [no_image_for_dev, one_image_each, a_class_that_is_no_utf8, a_split_beside_classes])
def test_what_cannot_be_trained_on_is_said_before_training(finetune, pictures, tmp_path, spoil):
    sentence = spoil(Path(pictures))
    status, out, err = finetune("--epochs", "1")
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert "epoch" not in out
    assert not (tmp_path / "run").exists()


def test_what_is_left_out_is_told_and_strict_forbids_it(finetune, pictures, tmp_path):
    red = Path(pictures) / "train/red"
    for k in range(14):
        (red / f"broken {k}.webp").touch()
    (red / "film.mov").touch()
    (red / ".DS_Store").touch()
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(red / "clear.png")
    status, out, err = finetune("--epochs", "1", "--strict")
    assert status == 2
    assert "16 files were left out or cannot be used, as told above" in err
    assert not (tmp_path / "run").exists()
    assert out.count("is not an image") == 10
    for sentence in (
        "Left out as hidden or made by machines: .DS_Store.",
        "left out: .mov (1). The first: train/red/film.mov.",
        "skipped: 4 more that cannot be read",
        "1 image is transparent in part, and laid over white",
        "Of 1 transparent image nothing can be seen at all: ",
    ):
        assert sentence in out
    assert main(["finetune", "--resume", str(tmp_path / "run"), "--strict"]) == 2


def test_a_test_split_that_cannot_be_read_is_told(finetune, pictures):
    for path in (Path(pictures) / "test").rglob("*.png"):
        path.write_bytes(b"nothing")
    status, out, _ = finetune("--epochs", "1")
    assert status == 0
    assert "none of the 12 images of the test split can be read, so there is no test" in out
    assert "the report at the end is on the dev (validation) split" in out


def test_class_weights_are_told_and_kept(finetune, pictures, tmp_path):
    for index in range(9):
        (Path(pictures) / "train/red" / f"{index}.png").unlink()
    status, out, _ = finetune(
        "--epochs", "1", "--class-weights", "balanced", "--mixup", "0.4", "--label-smoothing", "0.1"
    )
    assert status == 0
    told = "class weights in the training loss: red 3, green 0.75, blue 0.75; losses and measures on dev and test"
    assert told in out
    assert told in (tmp_path / "run" / "report.txt").read_text()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["class_weights"] == [0.75, 0.75, 3.0]
    status, _, error = finetune("--overwrite", "--epochs", "1", "--class-weights", "balance")
    assert status == 2
    assert "must be the word balanced or a file, and there is no file balance" in error
