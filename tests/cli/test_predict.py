"""Where the pictures that `tinyvit predict` and `tinyvit plot` draw end up."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.cli import predict
from tinyvit.files import CONFIG, PREPROCESSOR
from tinyvit.pretrained import save_model_folder


@pytest.fixture
def drawing(tmp_path):
    image = Image.new("L", (60, 60))
    ImageDraw.Draw(image).line([(30, 10), (30, 50)], fill=255, width=5)
    image.save(tmp_path / "one.png")
    return tmp_path / "one.png"


@pytest.fixture
def own_run(trained_run, tmp_path):
    """A copy of the run, without its pictures."""
    return shutil.copytree(trained_run[0], tmp_path / "run", ignore=shutil.ignore_patterns("figures"))


def test_pictures_of_the_same_name_get_figures_of_their_own():
    paths = [Path(path) for path in ("a/p.png", "b/p.png", "c/p-2.png", "d/p.jpg", "q.png")]
    assert predict._figure_names(paths) == [
        "predict-p.png", "predict-p-2.png", "predict-p-2-2.png", "predict-p-3.png", "predict-q.png",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["last", "best"])
def test_figures_of_a_checkpoint_are_drawn_into_its_run(own_run, tinyvit, drawing, name):
    before = {path.name for path in (own_run / name).iterdir()}
    for arguments in (["predict", own_run / name, drawing, drawing, "--plot"], ["plot", own_run / name]):
        result = tinyvit(*arguments)
        assert result.returncode == 0, result.stderr
    assert {path.name for path in (own_run / name).iterdir()} == before
    assert {path.name for path in (own_run / "figures").iterdir()} == {
        "predict-one.png", "predict-one-2.png",
        "curves.png", "confusion.png", "mistakes.png", "attention.png", "positions.png",
    }  # fmt: skip


def test_a_model_without_blocks_has_nothing_to_overlay(own_run, tinyvit, drawing):
    config = ViTConfig.from_dict(json.loads((own_run / CONFIG).read_text())["model"])
    model = VisionTransformer(dataclasses.replace(config, depth=0), rng=np.random.default_rng(0))
    preprocessor = {PREPROCESSOR: (own_run / "best" / PREPROCESSOR).read_bytes()}
    save_model_folder(own_run / "best", model.config, model.state_dict(), preprocessor)
    result = tinyvit("predict", own_run, drawing, "--plot")
    assert result.returncode == 2
    assert result.stderr == f"tinyvit: {own_run} has no blocks, so there is no attention to draw: leave out --plot\n"
    assert tinyvit("predict", own_run, drawing).returncode == 0


def test_damaged_metrics_get_one_sentence(own_run, tinyvit):
    (own_run / "metrics.jsonl").write_text("{")
    result = tinyvit("plot", own_run)
    assert result.returncode == 2
    assert "metrics.jsonl is damaged" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_eval_normalises_as_the_model_was_fed(own_run, tinyvit):
    before = tinyvit("eval", own_run).stdout
    path = own_run / "best" / PREPROCESSOR
    path.write_text(json.dumps(json.loads(path.read_text()) | {"image_mean": [1.0]}))
    after = tinyvit("eval", own_run).stdout
    assert before.splitlines()[0] != after.splitlines()[0]
