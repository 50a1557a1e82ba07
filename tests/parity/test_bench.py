"""Against PyTorch: both sides are timed, and nothing is when they differ."""

import dataclasses
import sys
from pathlib import Path

import pytest
import torch

from tinyvit.bench import speed, torch_run
from tinyvit.bench.opponent import TorchSide
from tinyvit.config import ViTConfig
from tinyvit.errors import UserError
from tinyvit.training import TrainConfig, loop, train

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
import small_run

SMALL = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=1, num_heads=2)


def test_both_sides_are_timed():
    times = speed(SMALL, batch_size=4, rounds=1, workers=1, against="torch")
    assert all(list(sides) == ["tinyvit", "PyTorch"] for sides in times.values())


def test_sides_that_differ_are_not_timed(monkeypatch):
    made = TorchSide.__init__

    def sabotaged(self, model, *, compiled):
        made(self, model, compiled=compiled)
        with torch.no_grad():
            self.twin.head.bias[1] += 0.1

    monkeypatch.setattr(TorchSide, "__init__", sabotaged)
    with pytest.raises(UserError, match=r"differ by .* nothing was timed"):
        speed(SMALL, batch_size=4, rounds=1, workers=1, against="torch")


def test_a_whole_run_by_pytorch_comes_to_the_same_result(monkeypatch, tmp_path):
    dataset = small_run.small_dataset()
    for module in (loop, torch_run):
        monkeypatch.setattr(module, "load_dataset", lambda *args, **kwargs: dataset)
    model = dataclasses.replace(small_run.SMALL_MODEL, drop_path_rate=0.0)
    config = TrainConfig(model=model, epochs=4, batch_size=32, lr=1e-2, workers=1, output=str(tmp_path / "run"))
    history = train(config)
    assert torch_run.train(config) == pytest.approx(history.test.accuracy, abs=0.011)  # one digit of 100
