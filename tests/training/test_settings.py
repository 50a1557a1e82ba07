"""A run that was stopped goes on with the settings that it began with: others, written by hand, are refused or told."""

import dataclasses
import json
import typing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.notes import Notes, Stops
from tinyvit import VisionTransformer, ViTConfig
from tinyvit.errors import UserError
from tinyvit.training import FinetuneConfig, TrainingInterrupted, resume, train
from tinyvit.training.checks import FREE_SETTINGS, NO_SETTINGS
from tinyvit.training.finetuning import finetune, resume_finetuning

OTHERS = {"class_weights": "balanced", "task": "guess"}
IMPOSSIBLE = {  # what is refused before anything is compared
    "nesterov": "needs opt sgd",
    "task": "no task called .guess.|is of the task classify, got guess",
    "threshold": "give labels or multi_label",
}


def another(kind, value):
    """A value that a field of this kind may have, and has not."""
    if typing.get_origin(kind) is typing.Literal:
        return next(choice for choice in typing.get_args(kind)[::-1] if choice != value)
    if typing.get_args(kind):  # a union
        return another(next(part for part in typing.get_args(kind) if part in (int, str)), value)
    if kind is bool:
        return not value
    return "other" if kind is str else 1 + (value or 0) if kind is int else 0.5 * value + 0.01


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def stopped_training(small_config):
    with pytest.raises(TrainingInterrupted):
        train(small_config, progress=Stops(8))
    return small_config


@pytest.fixture
def stopped_finetuning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = ViTConfig(img_size=8, patch_size=4, num_classes=2, embed_dim=8, depth=1, num_heads=2, init_std=0.1)
    VisionTransformer(model, rng=np.random.default_rng(0)).save_pretrained("model")
    rng = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(6):
            picture = Image.fromarray(rng.integers(0, 256, (9, 10, 3), np.uint8))
            picture.save(tmp_path / "photos" / name / f"{index}.png")
    flags = {"pretrained": "model", "data_dir": "photos", "output": "run", "device": "cpu", "threads": 1}
    config = FinetuneConfig(**flags, batch_size=4, epochs=2, lr=1e-3)
    with pytest.raises(TrainingInterrupted):
        finetune(config, progress=Stops(2))
    return config


@pytest.mark.parametrize("kind", ["train", "finetune"])
def test_no_setting_changes_in_silence(kind, request):
    """Every field of the config, whatever it decides."""
    config = request.getfixturevalue({"train": "stopped_training", "finetune": "stopped_finetuning"}[kind])
    go_on = {"train": resume, "finetune": resume_finetuning}[kind]
    folder = Path(config.output)
    written = (folder / "config.json").read_bytes()
    hints = typing.get_type_hints(type(config))
    tried = 0
    for field in dataclasses.fields(config):
        if field.name in (*FREE_SETTINGS, *NO_SETTINGS, "distributed"):  # whose ranks all end, pytest included
            continue
        value = OTHERS.get(field.name) or another(hints[field.name], json.loads(written)[field.name])
        edit(folder / "config.json", **{field.name: value})
        with pytest.raises(UserError, match=IMPOSSIBLE.get(field.name, rf"{field.name} .+ instead of \S+")):
            go_on(folder)
        (folder / "config.json").write_bytes(written)
        tried += 1
    assert tried > 20
    go_on(folder)  # as it was


def test_several_changes_are_named_with_fields_left_out(stopped_training):
    path = Path(stopped_training.output) / "config.json"
    values = json.loads(path.read_text()) | {"lr": 0.5, "seed": 7}
    del values["ema_decay"]
    path.write_text(json.dumps(values))
    with pytest.raises(
        UserError, match=r"lr 0\.5 instead of 0\.003, ema_decay 0\.0 instead of 0\.9, seed 7 instead of 0"
    ):
        resume(path.parent)


def test_what_may_be_others_is_told(stopped_finetuning, tmp_path):
    edit(tmp_path / "run" / "config.json", checkpoint_seconds=5.0, output="elsewhere")
    (tmp_path / "photos").rename(tmp_path / "moved")
    notes = Notes()
    resume_finetuning(tmp_path / "run", data_dir="moved", progress=notes)
    assert (
        "The run goes on with data_dir moved instead of photos, checkpoint_seconds 5.0 instead of 30.0." in notes.notes
    )


def test_train_refuses_the_config_of_fine_tuning(tmp_path):
    config = FinetuneConfig(pretrained="data/vit-stand-in", data_dir="photos", output=str(tmp_path / "run"))
    with pytest.raises(UserError, match="got a FinetuneConfig: call finetune"):
        train(config)
    assert not list(tmp_path.iterdir())
