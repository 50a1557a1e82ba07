"""The pictures of a run, for models that are not the usual ones."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tests.support.small_run import SMALL_MODEL
from tinyvit.training import evaluate
from tinyvit.training.figures import draw_figures
from tinyvit.vit import VisionTransformer


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({}, set()),
        ({"pool": "mean", "num_registers": 3, "pos_embed": "sincos2d", "num_heads": 8}, set()),
        ({"depth": 0}, {"attention"}),
        ({"patch_size": 28}, set()),
    ],
)
def test_every_figure_is_drawn(tmp_path, small_dataset, change, missing):
    model = VisionTransformer(dataclasses.replace(SMALL_MODEL, **change), rng=np.random.default_rng(0))
    split = small_dataset.dev
    epochs = [{"epoch": 1, "train_loss": 1.0, "dev_loss": 2.0, "dev_accuracy": 0.5, "lr": 0.1}]
    paths = draw_figures(tmp_path, epochs, model, small_dataset, split, evaluate(model, split, small_dataset))
    assert {path.stem for path in paths} == {"curves", "confusion", "mistakes", "attention", "positions"} - missing
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 200
    untrained = draw_figures(tmp_path, [], model, small_dataset, split, evaluate(model, split, small_dataset))
    assert "curves" not in {path.stem for path in untrained}
