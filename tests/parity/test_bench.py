"""Against PyTorch: both sides are timed, and nothing is when they differ."""

import pytest
import torch

from tinyvit.bench import speed
from tinyvit.bench.opponent import TorchSide
from tinyvit.config import ViTConfig
from tinyvit.errors import UserError

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
