"""`tinyvit finetune` on images of any number of classes, and what the other verbs make of the run."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.evaluation import figures
from tinyvit.training import load_trained

COLOURS = {"blue": (30, 60, 200), "green": (40, 180, 60), "red": (210, 50, 40)}


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """64 noisy images with a bar of each of their colours: in one folder with a table, and in nested folders."""
    rng, root = np.random.default_rng(0), tmp_path_factory.mktemp("bars")
    (root / "pics").mkdir()
    rows = [["file", "labels", "split"]]
    for index in range(64):
        names = [name for name in COLOURS if rng.random() < 0.45]
        pixels = rng.normal(128, 20, (16, 16, 3))
        for k, name in enumerate(COLOURS):
            if name in names:
                pixels[4 * k : 4 * k + 5] = np.array(COLOURS[name]) + rng.normal(0, 10, (5, 16, 3))
        split = ("train", "val", "test")[0 if index < 44 else 1 + index % 2]
        path = root / "pics" / f"{index}.png"
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
        nested = root / "nested" / split / "/".join(names)
        nested.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, nested)
        rows.append([path.stem, "|".join(names), split])
    with open(root / "labels.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    config = ViTConfig(img_size=16, patch_size=8, num_classes=7, embed_dim=16, depth=1, num_heads=2, init_std=0.1)
    VisionTransformer(config, rng=np.random.default_rng(0)).save_pretrained(root / "model")
    return root


@pytest.fixture
def finetune(bars, tmp_path, capsys, monkeypatch):
    """Runs the command; returns its exit status, what it printed and its complaints. No figures are drawn."""
    draw = figures.draw_run

    def run(*flags, output="run", drawn=False):
        monkeypatch.setattr(figures, "draw_run", draw if drawn else lambda folder, *_: [folder / "figures/none.png"])
        start = ["--model", str(bars / "model"), "--output", str(tmp_path / output), "--device", "cpu"]
        fixed = ["--batch-size", "11", "--lr", "1e-2", "--crop-scale", "1", "--flip", "0", "--threads", "2"]
        status = main(["finetune", *start, *fixed, *map(str, flags)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def table_of(bars):
    return ["--labels", bars / "labels.csv", "--data-dir", bars / "pics"]


def weights(folder):
    return VisionTransformer.from_pretrained(folder).parameters()


def test_from_a_table_to_a_run_that_everybody_reads(finetune, bars, tmp_path, capsys, monkeypatch):
    status, out, err = finetune(*table_of(bars), "--epochs", "8", "--threshold", "0.4")
    assert (status, err) == (0, "")
    run = tmp_path / "run"
    assert "the splits in column 'split'" in out
    assert "dev mAP" in out
    assert "test mAP 100.00 %" in out
    report = (run / "report.txt").read_text()
    assert "avg prec" in report
    assert "threshold 0.4" in report
    config = json.loads((run / "best/config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert config["id2label"] == {"0": "blue", "1": "green", "2": "red"}
    preprocessing = load_trained(run)[1]
    assert (preprocessing.multi_label, preprocessing.threshold) == (True, 0.4)
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert list(epochs[0]) == ["epoch", "train_loss", "dev_loss", "dev_map", "lr"]
    assert epochs[-1]["train_loss"] < 0.5 * epochs[0]["train_loss"]

    assert main(["predict", str(run), str(bars / "pics/0.png")]) == 0
    said = capsys.readouterr().out
    with open(bars / "labels.csv", newline="") as file:
        truth = next(csv.DictReader(file))["labels"].split("|")
    assert all(name in said.split("; below 40 %")[0] for name in truth if name)

    assert main(["eval", str(run), "--csv", str(tmp_path / "t.csv")]) == 0
    out = capsys.readouterr().out
    assert "test split of pics, 10 images: mAP 100.00 %" in out
    assert report.partition("\n\n")[2].rstrip() in out
    with open(tmp_path / "t.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "labels", "predictions", "blue", "green", "red"]
    monkeypatch.undo()
    assert main(["plot", str(run)]) == 0
    assert {path.name for path in (run / "figures").iterdir()} == {
        "precision_recall.png", "mistakes.png", "curves.png", "attention.png", "positions.png",
    }  # fmt: skip


def test_nested_folders_and_their_table_measure_the_same(finetune, bars, tmp_path):
    assert finetune("--data-dir", bars / "nested", "--multi-label", "--epochs", "8")[0] == 0
    of_table = ["--csv", str(tmp_path / "table.csv"), "--split", "test"]
    assert main(["eval", str(tmp_path / "run"), *map(str, table_of(bars)), *of_table]) == 0
    assert main(["eval", str(tmp_path / "run"), "--csv", str(tmp_path / "folders.csv")]) == 0

    def rows(name):
        with open(tmp_path / name, newline="") as file:
            return sorted([row.pop("file").split("/")[-1], *row.values()] for row in csv.DictReader(file))

    table, folders = rows("table.csv"), rows("folders.csv")
    assert len(table) == 10
    assert [row[:3] for row in table] == [row[:3] for row in folders]
    probs, again = (np.array([row[3:] for row in of], float) for of in (table, folders))
    np.testing.assert_allclose(probs, again, atol=2e-6)  # the batches differ


@pytest.mark.parametrize(
    "flags", [["--mixup", "0.5", "--cutmix", "1", "--label-smoothing", "0.1", "--ema-decay", "0.9", "--recompute"]]
)
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(finetune, bars, tmp_path, flags, monkeypatch):
    from tinyvit.training.step import TrainingStep

    assert finetune(*table_of(bars), "--epochs", "2", *flags)[0] == 0
    shutil.move(tmp_path / "run", tmp_path / "whole")
    take_step = TrainingStep.__call__

    def stops(self, step):
        loss = take_step(self, step)
        if step + 1 == 5:
            raise KeyboardInterrupt
        return loss

    monkeypatch.setattr(TrainingStep, "__call__", stops)
    assert finetune(*table_of(bars), "--epochs", "2", "--checkpoint-seconds", "0", *flags)[0] == 130
    monkeypatch.setattr(TrainingStep, "__call__", take_step)
    shutil.move(bars / "labels.csv", bars / "moved.csv")  # the run knows its images and their classes
    try:
        assert main(["finetune", "--resume", str(tmp_path / "run")]) == 0
    finally:
        shutil.move(bars / "moved.csv", bars / "labels.csv")
    whole, resumed = weights(tmp_path / "whole/last"), weights(tmp_path / "run/last")
    for name, array in resumed.items():
        np.testing.assert_array_equal(array, whole[name])


def test_one_class_is_one_logit(finetune, bars, tmp_path, capsys):
    table = tmp_path / "red.csv"
    with open(bars / "labels.csv", newline="") as file:
        rows = [{**row, "red": int("red" in row["labels"].split("|"))} for row in csv.DictReader(file)]
    table.write_text("file,red,split\n" + "".join(f"{row['file']},{row['red']},{row['split']}\n" for row in rows))
    status, out, err = finetune("--labels", table, "--data-dir", bars / "pics", "--epochs", "8")
    assert (status, err) == (0, "")
    assert "a column of 0 and 1 for 1 class" in out
    assert load_trained(tmp_path / "run")[0].config.num_classes == 1
    yes, no = (next(row["file"] for row in rows if row["red"] == wanted) for wanted in (1, 0))
    assert main(["predict", str(tmp_path / "run"), *(str(bars / "pics" / f"{name}.png") for name in (yes, no))]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert f"{yes}.png: red (" in first
    assert f"{no}.png: none of the classes; below 50 %: red (" in second


def test_a_regression_model_gets_a_new_head(finetune, bars, tmp_path):
    shutil.copytree(bars / "model", tmp_path / "regression")
    values = json.loads((tmp_path / "regression/config.json").read_text()) | {"problem_type": "regression"}
    (tmp_path / "regression/config.json").write_text(json.dumps(values))
    assert finetune(*table_of(bars), "--epochs", "1", "--model", tmp_path / "regression")[0] == 0
    assert load_trained(tmp_path / "run")[1].multi_label


def test_a_damaged_list_of_images_is_told(finetune, bars, tmp_path, capsys):
    assert finetune(*table_of(bars), "--epochs", "1")[0] == 0
    path = tmp_path / "run/pictures.json"
    values = json.loads(path.read_text())
    for damage in ({"multi_label": "yes"}, {"train": [values["train"][0] | {"labels": [7]}]}):
        path.write_text(json.dumps(values | damage))
        assert main(["eval", str(tmp_path / "run")]) == 2
        assert "pictures.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--labels", "nowhere.csv"], "nowhere.csv does not exist"),
        (["--threshold", "0.3"], "threshold is for images of any number of classes"),
        (["--multi-label", "--threshold", "2"], "threshold must be"),
        (["--data-dir", "{bars}/pics", "--multi-label"], "it names no class"),
    ],
)
def test_what_makes_no_sense_gets_one_sentence(finetune, bars, tmp_path, flags, sentence):
    start = ["--data-dir", bars / "nested"] if "--data-dir" not in flags else []
    status, _, err = finetune(*start, *(flag.format(bars=bars) for flag in flags))
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_strict_forbids_what_a_table_misses(finetune, bars, tmp_path):
    (tmp_path / "t.csv").write_text((bars / "labels.csv").read_text() + "gone,red,train\n")
    status, out, err = finetune("--labels", tmp_path / "t.csv", "--data-dir", bars / "pics", "--strict")
    assert status == 2
    assert "gone (line 66)" in out
    assert "--strict forbids that" in err


def test_tables_are_for_models_of_many_classes_alone(bars, capsys):
    assert main(["eval", str(bars / "model"), *map(str, table_of(bars))]) == 2
    assert "leave out --labels" in capsys.readouterr().err
