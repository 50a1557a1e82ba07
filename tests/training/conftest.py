"""A data set of 200 digits in place of the whole, for tests that train."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import small_run

from tinyvit.training import TrainConfig, loop


@pytest.fixture(scope="session")
def small_dataset():
    return small_run.small_dataset()


@pytest.fixture
def small_config(tmp_path, monkeypatch, small_dataset, device):
    """A config whose runs take a fraction of a second, in tmp_path/run."""
    monkeypatch.setattr(loop, "load_dataset", lambda *args, **kwargs: small_dataset)
    return TrainConfig(
        model=small_run.SMALL_MODEL,
        output=str(tmp_path / "run"),
        epochs=2,
        batch_size=32,
        ema_decay=0.9,
        device=device,
        workers=1,
    )
