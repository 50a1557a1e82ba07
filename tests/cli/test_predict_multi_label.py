"""Models whose logits are a yes or no each: what `predict` and `convert` make of them."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from tinyvit.cli import main
from tinyvit.course import stand_in_folder
from tinyvit.pretrained import open_checkpoint, problem_type
from tinyvit.training import load_trained

MULTI = {"problem_type": "multi_label_classification"}


@pytest.fixture
def stand_in(tmp_path):
    """Makes a copy of the stand-in whose config says something more, with all of its logits or the first ones."""

    def make(changes, *, num_classes=5, name="model"):
        folder = shutil.copytree(stand_in_folder(), tmp_path / name)
        values = json.loads((folder / "config.json").read_text())
        names = list(values["id2label"].values())[:num_classes]
        values |= {"id2label": dict(enumerate(names)), "label2id": {n: k for k, n in enumerate(names)}} | changes
        (folder / "config.json").write_text(json.dumps(values))
        arrays = load_file(folder / "model.safetensors")
        for part in ("classifier.weight", "classifier.bias"):
            arrays[part] = arrays[part][:num_classes].copy()
        save_file(arrays, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    return make


@pytest.fixture
def picture(tmp_path):
    values = np.random.default_rng(3).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "p.png")
    return tmp_path / "p.png"


def sigmoids(folder, picture):
    """By the formula, from the logits of the model."""
    model, preprocessing = load_trained(folder)
    logits = model.predict(preprocessing.processor(Image.open(picture))[None])[0].astype(np.float64)
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(("threshold", "top_k"), [(None, 5), (0.3, 5), (0.999, 2), (0.0, 1), (1.0, 5)])
def test_classes_at_the_threshold_come_first_and_all_of_them(stand_in, picture, capsys, threshold, top_k):
    folder = stand_in(MULTI)
    flags = ["--top-k", str(top_k)] + ([] if threshold is None else ["--threshold", str(threshold)])
    assert main(["predict", str(folder), str(picture), *flags]) == 0
    probs = sigmoids(folder, picture)
    names = ["zero", "one", "two", "three", "four"]
    best = np.argsort(-probs)
    at_least = 0.5 if threshold is None else threshold
    words = {k: f"{names[k]} ({100 * probs[k]:.1f} %)" for k in best}
    yes = [words[k] for k in best if probs[k] >= at_least]
    no = [words[k] for k in best[:top_k] if probs[k] < at_least]
    wanted = (", ".join(yes) or "none of the classes") + (
        f"; below {100 * at_least:g} %: {', '.join(no)}" if no else ""
    )
    assert capsys.readouterr().out == f"{picture}: {wanted}\n"


@pytest.mark.parametrize("changes", [{}, {"problem_type": "single_label_classification"}, MULTI])
def test_a_single_logit_is_the_yes_or_no_of_its_class(stand_in, picture, capsys, changes):
    folder = stand_in(changes, num_classes=1)
    assert main(["predict", str(folder), str(picture), "--threshold", "0"]) == 0
    (prob,) = sigmoids(folder, picture)
    assert 0.001 < prob < 0.999
    assert capsys.readouterr().out == f"{picture}: zero ({100 * prob:.1f} %)\n"


def test_the_table_has_a_column_for_each_class(stand_in, picture, tmp_path):
    folder = stand_in(MULTI)
    assert main(["predict", str(folder), str(picture), "--csv", str(tmp_path / "t.csv")]) == 0
    with open(tmp_path / "t.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    probs = sigmoids(folder, picture)
    names = ["zero", "one", "two", "three", "four"]
    assert list(row) == ["file", "predictions", *names]
    assert row["predictions"] == "|".join(name for name, prob in zip(names, probs, strict=True) if prob >= 0.5) != ""
    np.testing.assert_allclose([float(row[name]) for name in names], probs, rtol=1e-5)


@pytest.mark.parametrize("verb", ["predict", "eval", "plot"])
@pytest.mark.parametrize("num_classes", [1, 5])
def test_regression_is_refused_by_its_name(stand_in, picture, capsys, verb, num_classes):
    folder = stand_in({"problem_type": "regression"}, num_classes=num_classes)
    assert main([verb, str(folder), *([str(picture)] if verb == "predict" else [])]) == 2
    err = capsys.readouterr().err
    assert "is a regression model (problem_type regression), so it names no classes" in err
    assert f"tinyvit finetune --model {folder}" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("flags", [["--threshold", "1.5"], ["--threshold", "nan"], ["--threshold", "half"]])
def test_a_threshold_is_a_probability(stand_in, picture, capsys, flags):
    with pytest.raises(SystemExit) as stop:
        main(["predict", str(stand_in(MULTI)), str(picture), *flags])
    assert stop.value.code == 2
    assert "a probability from 0 to 1" in capsys.readouterr().err


def test_where_one_class_is_chosen_there_is_no_threshold(stand_in, picture, capsys):
    assert main(["predict", str(stand_in({})), str(picture), "--threshold", "0.4"]) == 2
    assert "leave out --threshold" in capsys.readouterr().err


@pytest.mark.parametrize("said", ["multi_label_classification", "regression", "single_label_classification"])
@pytest.mark.parametrize("to", ["hf", "timm", "npz"])
def test_convert_keeps_it_or_says_that_others_do_not_know(stand_in, tmp_path, capsys, said, to):
    target = tmp_path / ("out.npz" if to == "npz" else "out")
    assert main(["convert", str(stand_in({"problem_type": said})), str(target), "--to", to]) == 0
    assert (problem_type(open_checkpoint(target).values, 5) == said) == (to != "npz" or said.startswith("single"))
    told = "know of no problem type" in capsys.readouterr().out
    assert told == (to != "hf" and not said.startswith("single"))


def test_what_says_nothing_stays_silent(stand_in, tmp_path, capsys):
    assert main(["convert", str(stand_in({})), str(tmp_path / "out")]) == 0
    assert "problem_type" not in json.loads((tmp_path / "out/config.json").read_text())
    assert main(["convert", str(stand_in(MULTI, name="m")), str(tmp_path / "bare"), "--ignore-head"]) == 0
    assert "problem_type" not in json.loads((tmp_path / "bare/config.json").read_text())
    assert "note" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (MULTI, "answers   multi_label_classification: a yes or no for each class, from 0.5 on"),
        ({"problem_type": "regression"}, "answers   regression: real values, no classes"),
        ({}, None),
    ],
)
def test_info_says_what_the_logits_mean(stand_in, capsys, changes, said):
    assert main(["info", str(stand_in(changes))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("answers")] == ([said] if said else [])


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_convert_keeps_the_threshold_and_says_who_ignores_it(stand_in, tmp_path, capsys, threshold):
    folder = stand_in(MULTI)
    values = json.loads((folder / "preprocessor_config.json").read_text())
    values |= {"dataset": "numbers", "built_in": False, "class_names": list("abcde"), "threshold": threshold}
    (folder / "preprocessor_config.json").write_text(json.dumps(values))
    assert main(["convert", str(folder), str(tmp_path / "out")]) == 0
    assert ("know of no threshold, here it is 0.3" in capsys.readouterr().out) == (threshold != 0.5)
    assert load_trained(tmp_path / "out")[1].threshold == threshold


@pytest.mark.parametrize("threshold", [1.5, "0.5", None, -0.1, [0.5]])
def test_a_damaged_threshold_is_told(stand_in, picture, capsys, threshold):
    folder = stand_in(MULTI)
    values = json.loads((folder / "preprocessor_config.json").read_text())
    values |= {"dataset": "numbers", "class_names": list("abcde"), "threshold": threshold}
    (folder / "preprocessor_config.json").write_text(json.dumps(values))
    assert main(["predict", str(folder), str(picture)]) == 2
    assert "threshold must be a probability" in capsys.readouterr().err
