"""`tinyvit export`: what is written, compared, told and refused."""

import dataclasses
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support import others_slow
from tests.support.exporting import HAS_ONNX, NEEDS_ONNX
from tests.support.toy_tasks import TOYS
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli.export import MEANINGS, grouped
from tinyvit.config.tasks import CONFIGS
from tinyvit.exporting import compare
from tinyvit.pretrained import save_model_folder
from tinyvit.tasks import task_of
from tinyvit.tasks.model_files import save_model

SHIPPED = Path(__file__).parents[2] / "data" / "mnist-vit"
CONFIG = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=2, num_heads=2)

OTHER_TASKS = [task for task in TOYS if task not in ("classify", "transfer", "distill")]  # those are plain classifiers
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason=NEEDS_ONNX)


@pytest.fixture
def saved(tmp_path):
    """Saves a small model; returns its folder."""

    def save(dtype=np.float32, problem_type=None, **changes):
        config = dataclasses.replace(CONFIG, **changes)
        model = VisionTransformer(config, rng=np.random.default_rng(0)).astype(dtype)
        save_model_folder(tmp_path / "model", config, model.parameters(), problem_type=problem_type)
        return tmp_path / "model"

    return save


def worst_told(done):
    return float(done.stdout.split("worst difference ")[1].split(",")[0])


@needs_onnx
@pytest.mark.parametrize("flags", [[], ["--attention", "--hidden-states", "--gradients", "--normalise"], ["--float16"]])
def test_the_shipped_model(flags, tinyvit, tmp_path):
    done = tinyvit("export", SHIPPED, "digits.onnx", "--verify", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert "(batch, 1, 28, 28)" in done.stdout
    assert worst_told(done) < (2e-2 if "--float16" in flags else 1e-5)
    assert ("attention.0..3" in done.stdout) == ("--attention" in flags)
    assert ("dattention.0..3" in done.stdout) == ("--gradients" in flags)
    assert ("hidden_states.0..4" in done.stdout) == ("--hidden-states" in flags)
    assert [path.name for path in tmp_path.iterdir()] == ["digits.onnx"]


@needs_onnx
def test_a_difference_that_is_too_large_fails(tinyvit, saved, monkeypatch):
    monkeypatch.setattr(compare, "TOLERANCE", 1e-12)
    done = tinyvit("export", saved(), "a.onnx", "--verify")
    assert done.returncode == 1
    assert "above 1e-12" in done.stdout


@needs_onnx
@pytest.mark.parametrize("problem_type", ["multi_label_classification", "regression", "single_label_classification"])
def test_what_the_logits_mean_is_told(problem_type, tinyvit, saved, tmp_path):
    import onnx

    done = tinyvit("export", saved(problem_type=problem_type), "a.onnx")
    notes = {"multi_label_classification": "take a sigmoid", "regression": "take no softmax"}
    assert [line for line in done.stdout.splitlines() if "logit" in line and line.startswith("note")] != [] or (
        problem_type not in notes
    )
    assert notes.get(problem_type, "") in done.stdout
    facts = {entry.key: entry.value for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert facts["problem_type"] == problem_type
    assert ("threshold" in facts) == (problem_type == "multi_label_classification")


@needs_onnx
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_another_dtype_is_told(dtype, tinyvit, saved):
    done = tinyvit("export", saved(dtype), "a.onnx", "--verify")
    assert done.returncode == 0
    assert f"the weights are {np.dtype(dtype)}, and become float32" in done.stdout


@needs_onnx
def test_what_is_there_is_replaced_only_if_asked(tinyvit, saved, tmp_path):
    (tmp_path / "a.onnx").write_text("mine")
    done = tinyvit("export", saved(), "a.onnx")
    assert done.returncode == 2
    assert "is there already and stays as it is: choose another OUT, or add --overwrite" in done.stderr
    assert (tmp_path / "a.onnx").read_text() == "mine"
    assert tinyvit("export", tmp_path / "model", "a.onnx", "--overwrite").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "model"]


@needs_onnx
@pytest.mark.parametrize(
    ("changes", "flags", "sentence"),
    [
        ({}, ["a.pt"], "a file whose name ends with .onnx or .c"),
        ({}, ["a"], "a file whose name ends with .onnx or .c"),
        ({}, ["a.onnx", "--opset", "12"], "the opset must be from 13 to"),
        ({}, ["a.onnx", "--opset", "9999"], "the opset must be from 13 to"),
        ({}, ["missing/a.onnx"], "could not write"),
        ({"num_classes": 0}, ["a.onnx", "--gradients"], "this model has no classes"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(changes, flags, sentence, tinyvit, saved, tmp_path):
    done = tinyvit("export", saved(**changes), *flags)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_without_onnx_one_sentence_names_the_extra(tinyvit, saved, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    done = tinyvit("export", saved(), "a.onnx")
    assert done.returncode == 2
    assert "python -m pip install 'tinyvit[onnx]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@needs_onnx
def test_without_the_runtime_onnx_alone_compares(tinyvit, saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    done = tinyvit("export", saved(), "a.onnx", "--verify")
    assert done.returncode == 0
    assert "not compared with onnxruntime" in done.stdout
    assert worst_told(done) < 1e-5


def test_what_every_block_has_is_one_row():
    names = ["logits", "attention.0", "attention.1", "dimages", "hidden_states.0"]
    assert list(grouped(names)) == ["logits", "attention.0..1", "dimages", "hidden_states.0"]


@needs_onnx
def test_class_names_go_along(tinyvit, saved, tmp_path):
    import onnx

    folder = saved()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"id2label": {"0": "cat", "1": "a dog", "2": "猫"}}))
    assert tinyvit("export", folder, "a.onnx").returncode == 0
    facts = {entry.key: entry.value for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert json.loads(facts["class_names"]) == ["cat", "a dog", "猫"]


@needs_onnx
@pytest.mark.parametrize("task", others_slow(OTHER_TASKS))
def test_a_run_of_every_task(task, tinyvit, tmp_path):
    import onnx

    config = CONFIGS[task](**TOYS[task])
    model = task_of(config).build(config, np.random.default_rng(0))
    names = [str(k) for k in range(config.model.num_classes)]
    values = {"image_mean": 0.3, "image_std": 0.4, "size": 8, "class_names": [], "task_class_names": names}
    save_model(tmp_path / "run", config, model, {"preprocessor_config.json": json.dumps(values).encode()})
    done = tinyvit("export", "run", "a.onnx", "--verify")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert worst_told(done) < 1e-5
    assert ("note: " in done.stdout) == (task in MEANINGS)
    facts = {entry.key: entry.value for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert (facts["task"], json.loads(facts["class_names"])) == (task, names)
    assert "problem_type" not in facts


def test_what_a_task_has_not_got_is_refused(tinyvit, tmp_path):
    config = CONFIGS["mae"](**TOYS["mae"])
    values = b'{"image_mean": 0.3, "image_std": 0.4, "size": 8}'
    model = task_of(config).build(config, np.random.default_rng(0))
    save_model(tmp_path / "run", config, model, {"preprocessor_config.json": values})
    done = tinyvit("export", "run", "a.onnx", "--gradients")
    assert done.returncode == 2
    if HAS_ONNX:
        assert "no export of gradients for a model of the task mae" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="tests of exported C need a C compiler, cc")
@pytest.mark.parametrize("flags", others_slow([["--normalise"], []]))
def test_a_file_of_c(flags, tinyvit, tmp_path):
    done = tinyvit("export", SHIPPED, "digits.c", "--verify", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert worst_told(done) < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["digits.c"]
    assert tinyvit("export", SHIPPED, "digits.c").returncode == 2


@pytest.mark.parametrize("flag", ["--attention", "--hidden-states", "--gradients", "--float16", "--opset=17"])
def test_c_is_the_forward_alone(flag, tinyvit, saved):
    done = tinyvit("export", saved(), "a.c", flag)
    assert done.returncode == 2
    assert f"{flag.split('=')[0]} is for OUT.onnx" in done.stderr
