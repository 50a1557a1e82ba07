"""A data set of 200 digits in place of the whole, for tests that train."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import small_run

from tinyvit.config import ViTConfig
from tinyvit.training import TrainConfig, loop

SMALL_MODEL = ViTConfig(
    img_size=28, patch_size=14, in_chans=1, num_classes=10, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2.0,
    drop_path_rate=0.2, init_std=0.1,
)  # fmt: skip


@pytest.fixture(scope="session")
def small_dataset():
    return small_run.small_dataset()


@pytest.fixture
def small_config(tmp_path, monkeypatch, small_dataset):
    """A config whose runs take a fraction of a second, in tmp_path/run."""
    monkeypatch.setattr(loop, "load_dataset", lambda *args, **kwargs: small_dataset)
    return TrainConfig(
        model=SMALL_MODEL, output=str(tmp_path / "run"), epochs=2, batch_size=32, ema_decay=0.9, device="cpu"
    )
