"""A data set of 200 digits in place of the whole, for tests that train."""

import contextlib
import sys
import types

import numpy as np
import pytest

from tests.support import small_run
from tinyvit.backend import devices
from tinyvit.course import strict_cupy
from tinyvit.ops.erf import normal_cdf
from tinyvit.training import TrainConfig, start


@pytest.fixture
def small_config(tmp_path, monkeypatch, small_dataset, device):
    """A config whose runs take a fraction of a second, in tmp_path/run."""
    monkeypatch.setattr(start, "load_dataset", lambda *args, **kwargs: small_dataset)
    return TrainConfig(
        model=small_run.SMALL_MODEL,
        output=str(tmp_path / "run"),
        epochs=2,
        batch_size=32,
        ema_decay=0.9,
        device=device,
        workers=1,
    )


class Device(contextlib.nullcontext):
    id = 0

    def __init__(self, index=0):
        super().__init__()

    def use(self):
        pass


def erf(x):
    """cupyx's: Φ(√2 x) = (1 + erf x) / 2."""
    return strict_cupy.asarray(2 * normal_cdf(np.sqrt(2, dtype=x.dtype) * x._host) - 1)


@pytest.fixture
def gpu(monkeypatch):
    """From here on there is a GPU, "cuda:0": the stand-in, under CuPy's name."""
    monkeypatch.setitem(sys.modules, "cupy", strict_cupy)
    monkeypatch.setitem(sys.modules, "cupyx.scipy.special", types.SimpleNamespace(erf=erf))
    monkeypatch.setattr(strict_cupy, "__name__", "cupy")
    monkeypatch.setattr(strict_cupy, "cuda", types.SimpleNamespace(Device=Device), raising=False)
    monkeypatch.setattr(strict_cupy.ndarray, "device", Device())
    monkeypatch.setattr(devices, "_gpu_count", lambda: 1)
    monkeypatch.setattr("tinyvit.training.fused.set_matmul_precision", lambda precision: None)
    strict_cupy.host_reads().clear()
    return strict_cupy
