"""Against PyTorch: both sides are timed, and nothing is when they differ."""

import dataclasses

import numpy as np
import pytest

from tests.support import small_run
from tinyvit.bench import finetuning, speed, torch_finetuning, torch_run
from tinyvit.bench.torch_twin import from_torch_layout, to_torch_layout
from tinyvit.config import ViTConfig
from tinyvit.errors import UserError
from tinyvit.training import TrainConfig, start, train

SMALL = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=1, num_heads=2)


def test_both_sides_are_timed():
    times, memory = speed(SMALL, batch_size=4, rounds=1, workers=1, against="torch")
    assert all(list(sides) == ["tinyvit", "PyTorch"] for sides in times.values())
    assert list(memory) == ["tinyvit", "PyTorch"]


@pytest.mark.parametrize(
    "name", ["patch_embed.proj.weight", "patch_embed.stem.conv2.weight", "head.weight", "head.bias"]
)
def test_the_layouts_undo_each_other(name, rng):
    shapes = {"patch_embed.proj.weight": (48, 8), "head.weight": (8, 3), "head.bias": (3,)}
    shapes["patch_embed.stem.conv2.weight"] = (72, 8)
    config = dataclasses.replace(SMALL, in_chans=3)
    array = rng.standard_normal(shapes[name])
    there = to_torch_layout(name, array, config)
    np.testing.assert_array_equal(from_torch_layout(name, there, config), array)


def test_a_whole_run_by_pytorch_comes_to_the_same_result(monkeypatch, tmp_path):
    dataset = small_run.small_dataset()
    for module in (start, torch_run):
        monkeypatch.setattr(module, "load_dataset", lambda *args, **kwargs: dataset)
    model = dataclasses.replace(small_run.SMALL_MODEL, drop_path_rate=0.0)
    config = TrainConfig(model=model, epochs=4, batch_size=32, lr=1e-2, workers=1, output=str(tmp_path / "run"))
    history = train(config)
    assert torch_run.train(config) == pytest.approx(history.test.accuracy, abs=0.011)  # one digit of 100


@pytest.mark.parametrize("change", [{"opt": "muon"}, {"label_smoothing": 0.1}, {"ema_decay": 0.9}])
def test_pytorch_does_not_train_otherwise_than_asked(change):
    with pytest.raises(UserError, match="PyTorch's run has no"):
        torch_run.train(TrainConfig(**change))


def test_pytorch_fine_tunes_alike(tmp_path):
    config = dataclasses.replace(SMALL, in_chans=3, num_classes=2, img_size=16)
    finetuning.prepare(tmp_path, config, 6)
    settings = finetuning.settings(tmp_path, batch_size=2, epochs=2)
    ours, theirs = finetuning.tinyvit_run(settings), torch_finetuning.torch_run(settings)
    np.testing.assert_allclose(theirs["losses"], ours["losses"], rtol=1e-5)
