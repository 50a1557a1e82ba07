"""`tinyvit eval` on folders of images; its numbers against those made here, one image at a time."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.images import CLASSES, COLOURS, write_images, write_model
from tinyvit import VisionTransformer
from tinyvit.cli import main
from tinyvit.datasets import load_dataset
from tinyvit.evaluation.calibration import calibration
from tinyvit.evaluation.split import choose_split
from tinyvit.images.open import open_image
from tinyvit.storage.files import to_json
from tinyvit.training import FinetuneConfig, load_trained


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, with `model` and `data`."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "model")
    write_images(tmp_path / "data")
    return tmp_path


def truth(folder, data, split="test"):
    """(path, label, probabilities) of each image, from the model and the processor alone."""
    model, preprocessing = load_trained(folder)
    rows = []
    for path in sorted(Path(data, split).rglob("*.png")):
        logits = model.predict(preprocessing.processor(open_image(path))[None])[0].astype(np.float64)
        rows.append((path, CLASSES.index(path.parent.name), np.exp(logits) / np.exp(logits).sum()))
    return rows


@pytest.mark.parametrize(
    "arguments", [["eval", "bare", "--data-dir", "data"], ["predict", "bare", "a.png"], ["plot", "bare"]]
)
def test_a_model_without_a_head_names_no_classes(arguments, place, capsys):
    Image.new("RGB", (8, 8)).save("a.png")
    model = VisionTransformer.from_pretrained("model", num_classes=0)
    model.save_pretrained("bare")
    assert main(arguments) == 2
    assert "bare has no head, so it names no classes" in capsys.readouterr().err


def test_numbers_of_a_folder(place, capsys):
    assert main(["eval", "model", "--data-dir", "data", "--batch-size", "4", "--csv", "out.csv"]) == 0
    out, err = capsys.readouterr()
    rows = truth("model", "data")
    labels, probs = np.array([label for _, label, _ in rows]), np.array([probs for *_, probs in rows])
    right = probs.argmax(1) == labels
    ranks = (probs > probs[np.arange(9), labels][:, None]).sum(1)
    loss = -np.log(probs[np.arange(9), labels]).mean()
    error = calibration(probs.max(1), right).error
    first, second, third = out.splitlines()[:3]
    assert first == f"test split of data, 9 images: accuracy {100 * right.mean():.2f} %, loss {loss:.4f}"
    top_5 = 100 * (ranks < 5).mean()
    assert second == f"top-5 accuracy {top_5:.2f} %, expected calibration error {100 * error:.2f} % (15 bins)"
    assert re.match(r"[\d,.]+ images per second", third)
    assert err == ""
    report, confusion = out.split("Confusion (rows: true class, columns: predicted class)")
    occurring = {*labels, *probs.argmax(1)}
    assert len(occurring) < len(CLASSES)
    for k, name in enumerate(CLASSES):
        for text, cells in ((report, r"\d\.\d{4}"), (confusion, r"\d ")):
            assert bool(re.search(rf"^ *{name} +{cells}", text, re.MULTILINE)) == (k in occurring)
    assert len(set(right)) == 2  # the model is neither always right nor always wrong, or this would show little

    with open("out.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [Path(row["file"]) for row in table] == [
        path for name in ("blue", "green", "red") for path, *_ in rows if path.parent.name == name
    ]
    by_path = {path: (label, probs) for path, label, probs in rows}
    for row in table:
        label, probs = by_path[Path(row["file"])]
        best = np.argsort(-probs)
        assert (row["label"], row["prediction"]) == (CLASSES[label], CLASSES[best[0]])
        assert float(row["probability"]) == pytest.approx(probs[best[0]], rel=1e-4)
        for number, k in enumerate(best[:5], 1):
            assert row[f"guess_{number}"] == CLASSES[k]
            assert float(row[f"probability_{number}"]) == pytest.approx(probs[k], rel=1e-4)


def test_other_splits_and_batches(place, capsys):
    assert main(["eval", "model", "--data-dir", "data", "--split", "dev"]) == 0
    dev = capsys.readouterr().out
    assert dev.startswith("dev split of data, 3 images: ")
    assert main(["eval", "model", "--data-dir", "data", "--split", "dev", "--batch-size", "1"]) == 0
    timeless = [line for line in dev.splitlines() if "per second" not in line]
    assert [line for line in capsys.readouterr().out.splitlines() if "per second" not in line] == timeless


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val", "dev"])
def test_the_dev_split_by_its_other_names(name, place, capsys):
    assert main(["eval", "model", "--data-dir", "data", "--split", name]) == 0
    assert capsys.readouterr().out.startswith("dev split of data, 3 images: ")
    _, preprocessing = load_trained("model")
    chosen = choose_split(preprocessing, "model", split=name, data_dir="data", note=print)
    assert (chosen.name, len(chosen.split)) == ("dev", 3)


@pytest.mark.parametrize("name", ["vla", "eval", "tset", ""])
def test_a_split_that_there_is_not(name, place, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["eval", "model", "--data-dir", "data", "--split", name])
    assert "invalid choice" in capsys.readouterr().err


def test_images_that_cannot_be_read_are_counted(place, capsys):
    (place / "data/test/red/red 9.png").write_text("nothing")
    (place / "data/test/blue/blue 0.png").write_bytes((place / "data/test/blue/blue 0.png").read_bytes()[:80])
    assert main(["eval", "model", "--data-dir", "data", "--csv", "out.csv", "--figures", "drawn"]) == 0
    out, err = capsys.readouterr()
    assert "test split of data, 8 images: " in out
    assert "left out, as they cannot be read: 2 of 10 images" in out
    assert len(err.splitlines()) == 2
    assert "blue 0.png" in err.splitlines()[0]
    assert "red 9.png" in err.splitlines()[1]
    assert len((place / "out.csv").read_text().splitlines()) == 9
    assert {path.name for path in (place / "drawn").iterdir()} == {"confusion.png", "mistakes.png", "reliability.png"}
    for path in (place / "drawn").iterdir():
        with Image.open(path) as image:
            assert min(image.size) > 200


def test_none_can_be_read(place, capsys):
    for path in (place / "data/test").rglob("*.png"):
        path.write_text("nothing")
    assert main(["eval", "model", "--data-dir", "data", "--csv", "out.csv"]) == 2
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 10
    assert "none of the 9 images can be read" in err.splitlines()[-1]
    assert out == ""
    assert sorted(path.name for path in place.iterdir()) == ["data", "model"]  # no table, not even half of one


def test_figures_are_drawn_beside_the_model(place, capsys):
    assert main(["eval", "model", "--data-dir", "data", "--figures"]) == 0
    assert {path.name for path in (place / "model/figures").iterdir()} == {
        "confusion.png", "mistakes.png", "reliability.png",
    }  # fmt: skip
    assert VisionTransformer.from_pretrained("model")  # still a model
    assert capsys.readouterr().out.count(".png") == 3


def test_a_run_knows_its_images(place, capsys):
    (place / "run").mkdir()
    (place / "model").rename(place / "run/best")
    model, _ = load_trained("run/best")
    config = FinetuneConfig(model=model.config, data_dir="data")
    (place / "run/config.json").write_bytes(to_json(config.to_dict()))
    assert main(["eval", "run"]) == 0
    assert "test split of data, 9 images: " in capsys.readouterr().out
    assert main(["plot", "run"]) == 0
    assert {path.name for path in (place / "run/figures").iterdir()} == {
        "confusion.png", "mistakes.png", "attention.png", "positions.png",
    }  # fmt: skip


def test_a_folder_named_as_a_built_in_data_set_is_a_folder(place, capsys):
    write_model(place / "other", dataset="mnist")
    assert main(["eval", "other", "--data-dir", "data"]) == 0
    assert "test split of data, 9 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give a folder of them with --data-dir"),
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--data-dir", "strange"], "the folder: ape, red; the model: blue, cyan, green, white, or almost, red and 1 more; not one class of the model: ape)"),
        (["--data-dir", "untested"], "untested has no images in its test split: choose another --split"),
        (["--data-dir", "data", "--csv", "nowhere/out.csv"], "could not write nowhere/out.csv (No such file or directory)"),
        (["--data-dir", "data", "--csv", "data"], "data is not a file but a folder or a device"),
        (["--data-dir", "data", "--csv", "/dev/null"], "/dev/null is not a file but a folder or a device"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence(place, capsys, arguments, sentence):
    write_images(place / "strange")
    for split in ("train", "val", "test"):
        (place / "strange" / split / "green").rename(place / "strange" / split / "ape")
        for path in (place / "strange" / split / "blue").iterdir():
            path.unlink()
        (place / "strange" / split / "blue").rmdir()
    write_images(place / "untested")
    (place / "untested/test").rename(place / ".hidden")
    assert main(["eval", "model", *arguments]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert len(err.splitlines()) == 1


def measured(capsys, *arguments):
    """What eval says was measured, of how many images, and how many of the truth's answers are right; and the notes."""
    assert main(["eval", "model", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if ": accuracy" in line]
    what, number, accuracy = re.fullmatch(r"(.*), (\d+) images: accuracy ([\d.]+) %, loss .*", line).groups()
    return what, int(number), float(accuracy), [line for line in lines if line.startswith("note: ")]


def accuracy_of(*rows):
    return pytest.approx(
        100 * np.mean([probs.argmax() == label for part in rows for _, label, probs in part]), abs=0.005
    )


@pytest.mark.parametrize("given", [[], ["--split", "all"]])
def test_a_folder_that_is_not_split_is_measured_whole(place, capsys, given):
    rows = truth("model", "data")
    what, number, accuracy, notes = measured(capsys, "--data-dir", "data/test", *given)
    assert (what, number, accuracy) == ("all of test", 9, accuracy_of(rows))
    assert notes == []


def test_a_part_of_it_may_be_asked_for(place, capsys):
    what, number, _, notes = measured(capsys, "--data-dir", "data/test", "--split", "train")
    assert (what, number) == ("train split of test", 7)
    assert "its 9 images were split" in notes[0]


def test_all_splits_together(place, capsys):
    rows = [truth("model", "data", split) for split in ("train", "dev", "test") if split != "dev"]
    rows.append(truth("model", "data", "val"))
    what, number, accuracy, _ = measured(capsys, "--data-dir", "data", "--split", "all")
    assert (what, number, accuracy) == ("all of data", 18, accuracy_of(*rows))


@pytest.mark.parametrize(("kept", "words"), [("test", "test split of data"), ("val", "dev split of data")])
def test_one_split_alone(place, capsys, kept, words):
    rows = truth("model", "data", kept)
    for split in {"train", "val", "test"} - {kept}:
        shutil.rmtree(place / "data" / split)
    what, number, accuracy, _ = measured(capsys, "--data-dir", "data")
    assert (what, number, accuracy) == (words, len(rows), accuracy_of(rows))


@pytest.mark.parametrize("place_of", ["parent", "itself", "itself, with folders"])
def test_one_class(place, capsys, place_of):
    rows = [row for row in truth("model", "data") if CLASSES[row[1]] == "red"]
    (place / "one").mkdir()
    (place / "data/test/red").rename(place / "one/red")
    if place_of == "itself, with folders":
        for k, path in enumerate(sorted((place / "one/red").iterdir())):
            (path.parent / str(k)).mkdir()
            path.rename(path.parent / str(k) / path.name)
    what, number, accuracy, notes = measured(capsys, "--data-dir", "one" if place_of == "parent" else "one/red")
    assert (number, accuracy) == (3, accuracy_of(rows))
    assert what == ("all of one" if place_of == "parent" else "all of red")
    assert notes == [
        "note: All images are of one class, red: what is measured is how many of them the model takes for it."
    ]


def test_classes_named_as_splits_are_known_by_the_model(place, capsys):
    write_model(place / "model", class_names=["train", "test", "blue", "green", "red", "x"])
    for name in ("train", "test"):
        (place / f"new/{name}/a").mkdir(parents=True)
        shutil.copy("data/test/red/red 0.png", place / f"new/{name}/a/1.png")
    what, number, *_ = measured(capsys, "--data-dir", "new")
    assert (what, number) == ("all of new", 2)


def test_a_run_made_of_the_folder_keeps_its_held_out_split(place, capsys):
    for name in COLOURS:
        for k in range(8):
            (place / f"flat/{name}").mkdir(parents=True, exist_ok=True)
            shutil.copy(f"data/train/{name}/{name} 0.png", place / f"flat/{name}/{k}.png")
            with open(place / f"flat/{name}/{k}.png", "ab") as file:
                file.write(bytes([k]))  # not the same file twice
    flags = ["--output", "run", "--epochs", "1", "--batch-size", "8", "--device", "cpu"]
    assert main(["finetune", "--model", "model", "--data-dir", "flat", *flags]) == 0
    shutil.copytree("flat", "copy")
    capsys.readouterr()
    for arguments in ([], ["--data-dir", "flat"], ["--data-dir", "copy"]):
        assert main(["eval", "run", *arguments]) == 0
        assert re.search(r"^test split of (flat|copy), 4 images: accuracy", capsys.readouterr().out, re.MULTILINE)
    assert main(["eval", "run", "--split", "all"]) == 0
    out = capsys.readouterr().out
    assert "all of flat, 24 images: accuracy" in out
    assert (
        "note: The run was trained on 16 of these 24 images (data leakage): the score on those is memorisation." in out
    )
    for name in COLOURS:
        shutil.rmtree(f"copy/{name}")
        shutil.copytree(f"data/test/{name}", f"copy/{name}")
    assert main(["eval", "run", "--data-dir", "copy"]) == 0
    assert "all of copy, 9 images: accuracy" in capsys.readouterr().out


def test_own_digits_in_folders(tmp_path, capsys, monkeypatch):
    digits = load_dataset("mnist").test
    for row in range(12):
        label = digits.labels[row]
        (tmp_path / f"mine/{label}").mkdir(parents=True, exist_ok=True)
        ink = np.pad(255 - digits.images[row, 0], 20, constant_values=255)
        Image.fromarray(ink).save(tmp_path / f"mine/{label}/{row}.png")
    model = str(Path(__file__).parents[2] / "data/mnist-vit")
    for arguments in ([], ["--split", "all", "--figures", str(tmp_path / "drawn")]):
        assert main(["eval", model, "--data-dir", str(tmp_path / "mine"), *arguments]) == 0
        out = capsys.readouterr().out
        assert "all of mine, 12 images: accuracy 100.00 %" in out
    label = digits.labels[0]
    assert main(["eval", model, "--data-dir", str(tmp_path / f"mine/{label}")]) == 0
    assert f"all of {label}, " in capsys.readouterr().out
    shutil.move(tmp_path / "mine/0", tmp_path / "mine/zero")
    assert main(["eval", model, "--data-dir", str(tmp_path / "mine")]) == 2
    assert "not one class of the model: zero" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["eval", model, "--data-dir", str(tmp_path / "empty")]) == 2
    assert "train-images-idx3-ubyte.gz" in capsys.readouterr().err


def test_strict_forbids_what_is_left_out(place, capsys):
    assert main(["eval", "model", "--data-dir", "data", "--strict"]) == 0
    assert (place / "data/test/red/x.cr2").write_text("") == 0
    assert main(["eval", "model", "--data-dir", "data"]) == 0
    assert "left out: .cr2 (1). The first: test/red/x.cr2." in capsys.readouterr().out
    for name in ("x.cr2", "x.png", "clear.png"):
        (place / "data/test/red/x.cr2").unlink(missing_ok=True)
        (place / "data/test/red" / name).write_bytes(b"")
        if name == "clear.png":
            (place / "data/test/red/x.png").unlink()
            Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(place / "data/test/red/clear.png")
        assert main(["eval", "model", "--data-dir", "data", "--strict", "--csv", "out.csv"]) == 2
        out, err = capsys.readouterr()
        assert "--strict forbids that" in err
        assert "accuracy" not in out
        assert not (place / "out.csv").exists()
    assert main(["eval", "model", "--data-dir", "data"]) == 0
    assert "transparent, and nothing can be seen of them: 1 images (data/test/red/clear.png)" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 400, "1.5"])
def test_a_batch_size_that_is_none(capsys, number):
    with pytest.raises(SystemExit) as stop:
        main(["eval", "model", "--batch-size", number])
    assert stop.value.code == 2
    assert "--batch-size: it must be a whole number from 1 to 999,999, got" in capsys.readouterr().err


def test_mnist_gets_all_of_it_too(trained_run, tinyvit, tmp_path):
    result = tinyvit("eval", trained_run[0], "--split", "dev", "--csv", "out.csv", "--figures", "drawn")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^top-5 accuracy 9\d\.\d\d %, expected calibration error \d\.\d\d %", result.stdout, re.MULTILINE)
    accuracy = float(re.search(r"accuracy (\d+\.\d+) %", result.stdout)[1])
    with open(tmp_path / "out.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["file"] for row in table[:2]] == ["mnist/dev/0", "mnist/dev/1"]
    assert 100 * np.mean([row["label"] == row["prediction"] for row in table]) == pytest.approx(accuracy, abs=0.005)
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == {
        "confusion.png",
        "mistakes.png",
        "reliability.png",
    }


@pytest.mark.parametrize("verb", ["eval", "predict"])
def test_a_model_may_be_a_name(verb, place, monkeypatch, capsys):
    picture = next((place / "data").rglob("*.png"))
    rest = ["--data-dir", "data"] if verb == "eval" else [str(picture)]
    assert main([verb, "model", *rest]) == 0
    by_path = capsys.readouterr().out
    asked = []
    monkeypatch.setattr(
        "tinyvit.pretrained.download.download_model", lambda name: asked.append(name) or place / "model"
    )
    assert main([verb, "someone/vit", *rest, "--download"]) == 0
    assert asked == ["someone/vit"]
    without_speed = re.compile(r".* images per second.*")
    assert without_speed.sub("", capsys.readouterr().out) == without_speed.sub("", by_path)
    assert main([verb, "someone/vit", *rest]) == 2
    assert "add --download to get it from huggingface.co" in capsys.readouterr().err
