"""The images of a run, for models that are not the usual ones."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tests.support import others_slow
from tests.support.small_run import SMALL_MODEL
from tinyvit.evaluation.evaluate import evaluate
from tinyvit.evaluation.figures import draw_figures
from tinyvit.vit import VisionTransformer


def drawn(tmp_path, small_dataset, change, epochs):
    model = VisionTransformer(dataclasses.replace(SMALL_MODEL, **change), rng=np.random.default_rng(0))
    split = small_dataset.dev
    return draw_figures(tmp_path, epochs, model, small_dataset, split, evaluate(model, split, small_dataset))


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"pool": "mean", "num_registers": 3, "pos_embed": "sincos2d", "num_heads": 8}, set()),
        pytest.param({}, set(), marks=pytest.mark.slow),
        pytest.param({"depth": 0}, {"attention"}, marks=pytest.mark.slow),
        pytest.param({"patch_size": 28}, set(), marks=pytest.mark.slow),
    ],
)
def test_every_figure_is_drawn(tmp_path, small_dataset, change, missing):
    epochs = [{"epoch": 1, "train_loss": 1.0, "dev_loss": 2.0, "dev_accuracy": 0.5, "lr": 0.1}]
    paths = drawn(tmp_path, small_dataset, change, epochs)
    assert {path.stem for path in paths} == {"curves", "confusion", "mistakes", "attention", "positions"} - missing
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 200


@pytest.mark.parametrize("change", others_slow([{"depth": 0}, {}, {"patch_size": 28}, {"num_registers": 3}], fast=1))
def test_before_the_first_epoch_there_are_no_curves(tmp_path, small_dataset, change):
    assert "curves" not in {path.stem for path in drawn(tmp_path, small_dataset, change, [])}
