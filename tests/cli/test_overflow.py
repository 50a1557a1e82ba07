"""Models whose numbers overflow: every verb says so in a sentence, and none of NumPy's warnings is shown."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import main
from tinyvit.evaluation.evaluate import evaluate, judge
from tinyvit.evaluation.predict import NoAnswerError
from tinyvit.pretrained import save_model_folder
from tinyvit.training import load_trained

CONFIG = ViTConfig(img_size=16, patch_size=8, in_chans=3, num_classes=7, embed_dim=8, depth=1, num_heads=2)
HUGE = {"float64": 1e300, "float32": 3e38, "float16": 6e4}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for name in "abcdefg":
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(2):
                Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(place / f"{number}.png")
    return folder


def model_folder(folder, how, dtype="float32", layout="hf"):
    model = VisionTransformer(CONFIG, rng=np.random.default_rng(0)).astype(np.dtype(dtype))
    for name, array in model.parameters().items():
        if how == "all" or how in name:
            array[...] = HUGE[dtype] * (-1) ** np.arange(array.size).reshape(array.shape)
    save_model_folder(folder, CONFIG, model.parameters(), class_names="abcdefg")
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | {"tinyvit": {}} if dtype == "float16" else values))
    return folder


VERBS = {
    "eval": ["eval", "MODEL", "--data-dir", "IMAGES"],
    "eval with all it can write": [
        "eval",
        "MODEL",
        "--data-dir",
        "IMAGES",
        "--csv",
        "OUT/out.csv",
        "--figures",
        "OUT",
    ],
    "predict": ["predict", "MODEL", "IMAGES/test/a"],
    "predict --plot": ["predict", "MODEL", "IMAGES/test/a", "--plot"],
    "plot": ["plot", "MODEL", "--data-dir", "IMAGES"],
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("how", "dtype"),
    [("all", "float32"), ("all", "float64"), ("head", "float32"), ("fc1", "float32"), ("qkv", "float64")],
)
def test_answers_that_are_no_numbers_are_told(tmp_path, pictures, capfd, verb, how, dtype):
    folder = model_folder(tmp_path / "model", how, dtype)
    out = tmp_path / "out"
    out.mkdir()
    words = {"MODEL": str(folder), "IMAGES": str(pictures), "OUT": str(out)}
    arguments = VERBS[verb]
    for word, path in words.items():
        arguments = [argument.replace(word, path) for argument in arguments]
    assert main(arguments) == 2
    printed, complaints = capfd.readouterr()
    assert "accuracy" not in printed
    assert "nan" not in printed
    lines = complaints.splitlines()
    if verb != "plot":  # told once, as this folder has no such file
        assert "has no preprocessor_config.json" in lines.pop(0)
    if "predict" in verb:  # there, each image has its own
        assert lines.pop() == "tinyvit: 2 of 2 images got no answer"
    assert len(lines) == (2 if "predict" in verb else 1)
    assert all(line.startswith("tinyvit: ") and "the model's answer is not a number (NaN)" in line for line in lines)
    if "predict" in verb:
        assert {line.split(": ")[1] for line in lines} == {str(pictures / "test" / "a" / f"{k}.png") for k in range(2)}
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("how", ["pos_embed", "norm1", "fc2.bias"])
def test_numbers_that_overflow_on_the_way_give_no_warning(tmp_path, pictures, capfd, how):
    folder = model_folder(tmp_path / "model", how)
    for arguments in (["eval", str(folder), "--data-dir", str(pictures), "--figures"], ["predict", str(folder), str(pictures / "test" / "a"), "--plot"], ["plot", str(folder), "--data-dir", str(pictures)], ["info", str(folder)], ["convert", str(folder), str(tmp_path / "timm"), "--to", "timm", "--img-size", "24"]):  # fmt: skip
        main(arguments)
        assert all(line.startswith("tinyvit: ") for line in capfd.readouterr().err.splitlines()), arguments


def test_half_precision_is_computed_in_float32(tmp_path, pictures, capfd):
    folder = model_folder(tmp_path / "model", "nothing", "float16")
    model, _ = load_trained(folder)
    assert model.dtype == np.float32
    assert VisionTransformer.from_pretrained(folder).dtype == np.float16  # who asks for the model gets it as it is
    assert main(["eval", str(folder), "--data-dir", str(pictures)]) == 0
    assert "accuracy" in capfd.readouterr().out


def test_nan_is_never_right():
    probs = np.full((4, 3), np.nan)
    probs[1] = [0.2, 0.5, 0.3]
    found = judge(probs, np.array([0, 1, 0, 0]))
    assert found.accuracy == 0.25
    assert np.isnan(found.loss)
    for label in range(3):
        assert judge(np.full((1, 3), np.nan), np.array([label])).rank[0] == 3


def test_evaluate_says_it_and_warns_of_nothing(tmp_path, recwarn):
    from tinyvit.datasets import Dataset, Split

    model, _ = load_trained(model_folder(tmp_path / "model", "all"))
    split = Split(np.random.default_rng(0).integers(0, 256, (300, 3, 16, 16), np.uint8), np.zeros(300, np.int64))
    with pytest.raises(NoAnswerError):
        evaluate(model, split, Dataset("x", tuple("abcdefg"), 0.5, 0.5, split, split, split))
    assert not [warning for warning in recwarn.list if warning.category is RuntimeWarning]


@pytest.mark.process
def test_no_line_of_source_is_shown_in_a_process_of_its_own(tmp_path, pictures):
    folder = model_folder(tmp_path / "model", "all")
    command = [sys.executable, "-m", "tinyvit", "eval", str(folder), "--data-dir", str(pictures)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=120,
    )
    assert done.returncode == 2
    assert [line.startswith("tinyvit: ") for line in done.stderr.splitlines()] == [True] * 2  # an assumption, the error
