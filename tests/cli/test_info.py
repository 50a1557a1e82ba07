"""`tinyvit info` of saved models: what they are, whoever wrote them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz.fuzz_models import LAYOUTS, good_folders
from tests.support.images import CLASSES, write_model
from tinyvit import VisionTransformer
from tinyvit.cli import main
from tinyvit.pretrained import FAMILIES


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "model")
    return VisionTransformer.from_pretrained(tmp_path / "model")


@pytest.mark.parametrize(
    ("layout", "called"), [("hf", "Hugging Face"), ("timm", "timm"), ("npz", "Google .npz"), (None, "Hugging Face")]
)
def test_it_tells_who_wrote_a_model_and_what_it_knows(layout, called, model, capsys):
    place = "model"
    if layout:
        place = "out.npz" if layout == "npz" else "out"
        assert main(["convert", "model", place, "--to", layout]) == 0
    capsys.readouterr()
    assert main(["info", place]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{place}\nlayout    {called}: ")
    assert f"{model.num_parameters():,} values, float32" in said
    assert f"classes   {len(CLASSES)}: " in said
    if layout in ("hf", None):
        assert all(name in said for name in CLASSES[:6])
    assert f"total                 {model.num_parameters():>13,}" in said


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_family_goes_by_its_title(layout, tmp_path, capsys):
    for name, content in good_folders()[layout].items():
        (tmp_path / name).write_bytes(content)
    assert main(["info", str(tmp_path)]) == 0
    assert f"layout    {FAMILIES[LAYOUTS[layout][0]].title}: " in capsys.readouterr().out
    titles = [family.title for family in FAMILIES.values()]
    assert len({*titles, ""}) == len(titles) + 1


def test_a_model_without_a_head_is_told(model, capsys):
    VisionTransformer(dataclasses.replace(model.config, pool="mean", num_classes=0)).save_pretrained("ours")
    assert main(["info", "ours"]) == 0
    said = capsys.readouterr().out
    assert "layout    tinyvit: " in said
    assert "classes   none: no head" in said


def test_changes_are_counted_in(model, capsys):
    side = np.max(model.config.image_shape)
    assert main(["info", "model", "--img-size", str(2 * side)]) == 0
    assert f"img_size={2 * side}" in capsys.readouterr().out


def test_what_is_no_model_is_said(model, capsys):
    Path("empty").mkdir()
    for name, sentence in (
        ("empty", "config.json"),
        ("huge", "no preset called 'huge'"),
        ("someone/vit", "add --download"),
    ):
        assert main(["info", name]) == 2
        assert sentence in capsys.readouterr().err
