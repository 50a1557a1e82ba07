"""The folder of a run: what is written beside the weights, what is replaced, and what a resumed run reads."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.kills import compare
from tests.support.notes import Notes, Stops
from tinyvit import ViTConfig
from tinyvit.errors import UserError
from tinyvit.evaluation.preprocessing import preprocessor_json
from tinyvit.storage.files import siblings
from tinyvit.storage.run_folder import new_run_folder
from tinyvit.training import TrainingInterrupted, load_trained, read_run_config, resume, start, train


def test_the_preprocessor_says_how_pixels_were_made(small_config, small_dataset):
    folder = train(small_config).folder
    for name in ("last", "best"):
        values = json.loads((folder / name / "preprocessor_config.json").read_text())
        assert values == {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "size": {"height": 28, "width": 28},
            "resample": 2,
            "do_center_crop": False,
            "crop_size": {"height": 224, "width": 224},
            "crop_rounding": "down",
            "do_convert_rgb": False,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": [0.1307],
            "image_std": [0.3081],
            "dataset": "mnist",
            "built_in": True,
            "class_names": list("0123456789"),
        }
    _, preprocessing = load_trained(folder)
    assert preprocessing[:4] == ("mnist", tuple("0123456789"), 0.1307, 0.3081)
    assert preprocessing.built_in


def test_the_preprocessor_of_wide_coloured_images(small_config, small_dataset):
    model = dataclasses.replace(small_config.model, img_size=(28, 42), in_chans=3)
    values = json.loads(preprocessor_json(small_dataset, dataclasses.replace(small_config, model=model)))
    assert values["size"] == {"height": 28, "width": 42}
    assert (values["image_mean"], values["image_std"]) == ([0.1307] * 3, [0.3081] * 3)


def test_overwriting_leaves_nothing_of_the_old_run(small_config):
    folder = train(small_config).folder
    for name in ("config.json", "metrics.jsonl", "metrics.csv", "steps.jsonl", "last", "best", "figures"):
        for left_by_a_kill in siblings(folder / name):
            left_by_a_kill.mkdir()
    (folder / "figures").mkdir()
    (folder / "figures" / "curves.png").write_bytes(b"old")
    new_run_folder(small_config, overwrite=True)
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def test_runs_without_a_name_are_numbered(small_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nameless = dataclasses.replace(small_config, output=None)
    assert [str(new_run_folder(nameless)) for _ in range(2)] == [str(Path("runs") / f"mnist-{i}") for i in (1, 2)]


def change_config(folder, **changes):
    values = json.loads((Path(folder) / "config.json").read_text()) | changes
    (Path(folder) / "config.json").write_text(json.dumps(values))


def test_a_resumed_run_looks_for_its_data_where_it_is_told_to(small_config, small_dataset, monkeypatch):
    folder = train(dataclasses.replace(small_config, dataset="mnist", data_dir="here")).folder
    asked = []

    def noting(name, *, data_dir):
        asked.append((name, data_dir))
        return small_dataset

    monkeypatch.setattr(start, "load_dataset", noting)
    resume(folder)
    resume(folder, data_dir="elsewhere")
    assert asked == [("mnist", "here"), ("mnist", "elsewhere")]
    assert read_run_config(folder).data_dir == "here"


def test_a_resumed_run_computes_where_it_is_told_to(small_config):
    folder = train(small_config).folder
    with pytest.raises(UserError, match=r"cuda:99|CuPy is not installed"):
        resume(folder, device="cuda:99")
    change_config(folder, device="cuda:99")
    with pytest.raises(UserError, match=r"cuda:99|CuPy is not installed"):
        resume(folder)
    assert len(resume(folder, device="cpu").epochs) == 2


def test_a_resumed_run_must_fit_its_data(small_config, small_dataset, monkeypatch):
    folder = train(small_config).folder
    nine = dataclasses.replace(small_dataset, class_names=small_dataset.class_names[:9])
    monkeypatch.setattr(start, "load_dataset", lambda *args, **kwargs: nine)
    with pytest.raises(UserError, match="9 classes, but the model has 10"):
        resume(folder)


@pytest.mark.parametrize("old_is_moved_away", [False, True])
def test_a_checkpoint_kept_from_its_place_is_gone_on_from(small_config, old_is_moved_away):
    undisturbed = train(dataclasses.replace(small_config, output=small_config.output + "-undisturbed"))
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=Stops(2))
    last = Path(small_config.output) / "last"
    old = shutil.copytree(last, last.with_name("kept"))
    with pytest.raises(TrainingInterrupted):
        resume(small_config.output, progress=Stops(3))
    _, new, moved_away = siblings(last)
    last.rename(new)
    old.rename(moved_away if old_is_moved_away else last)
    notes = Notes()
    resume(small_config.output, progress=notes)
    assert notes.begun[1] == (3 + 4) * 32
    assert sorted(path.name for path in last.parent.iterdir() if "last" in path.name) == ["last"]
    assert compare(undisturbed.folder, last.parent) == []


def test_a_report_is_of_the_best_weights_also_after_resuming(small_config):
    first = train(small_config)
    report = (first.folder / "report.txt").read_text()
    (first.folder / "report.txt").unlink()
    again = resume(first.folder)
    assert (first.folder / "report.txt").read_text() == report
    np.testing.assert_allclose(again.test.of_label, first.test.of_label, atol=1e-6)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ViTConfig)])
def test_a_config_of_another_model_is_not_gone_on_with(field, small_config):
    """Every field: those that change the weights' shapes, those that only change what is computed, and chance."""
    others = {
        "img_size": 56, "patch_size": 7, "in_chans": 3, "num_classes": 9, "embed_dim": 32, "depth": 3, "num_heads": 4,
        "mlp_ratio": 3.0, "gelu": "tanh", "layer_norm_eps": 1e-5, "pool": "mean", "pos_embed": "sincos2d",
        "num_registers": 1, "drop_rate": 0.1, "drop_path_rate": 0.0, "init_std": 0.2, "layer_scale": 0.1, "stem": "conv",
    }  # fmt: skip
    small_config = dataclasses.replace(small_config, model=dataclasses.replace(small_config.model, patch_size=4))
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=Stops(2))
    folder = Path(small_config.output)
    values = json.loads((folder / "config.json").read_text())
    was = values["model"][field]
    values["model"][field] = not was if isinstance(was, bool) else others[field]
    assert values["model"][field] != was
    (folder / "config.json").write_text(json.dumps(values))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UserError) as caught:
        resume(folder)
    assert any(words in str(caught.value) for words in (field, field.replace("_", " "), "classes"))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
