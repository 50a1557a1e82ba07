"""`CudaDevice` itself, on a stand-in for CuPy and cuBLAS: what it calls, and that a recorded step is the emulator's."""

import cases
import emulator
import numpy as np
import pytest
from fake_cupy import FakeCupy, in_place_of_cupy
from steps import CONFIGS, Side, close

from tinyvit.gpu import CudaDevice, GraphedStep

pytestmark = pytest.mark.skipif(emulator.COMPILER is None, reason="no g++ to compile the kernels for the CPU")


@pytest.mark.parametrize("name", ["class token", "long attention"])
def test_recorded_steps_on_a_cuda_device_are_those_of_the_emulator(name, monkeypatch):
    config = CONFIGS[name]
    with in_place_of_cupy(monkeypatch):
        sides = [Side(config, CudaDevice(config)), Side(config, emulator.Emulator(config))]
    runs = [GraphedStep(side.device, side.run) for side in sides]
    for index in range(3):
        for side, run in zip(sides, runs, strict=True):
            side.feed(index)
            run()
    assert [run.fallback for run in runs] == [None, None]
    np.testing.assert_allclose(*(side.update.losses[:3] for side in sides), rtol=1e-5)
    for name in sides[0].grads:
        if not name.endswith("qkv.bias"):  # nothing but rounding errors for the keys
            close(*(np.asarray(side.grads[name]) for side in sides), 1e-3)
    assert sides[0].device.launches == sides[1].device.launches


def test_a_recording_that_fails_is_ended(monkeypatch):
    with in_place_of_cupy(monkeypatch):
        device = CudaDevice(cases.SMALL)

    def fails():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        device.record(fails)
    assert not FakeCupy.stream.is_capturing()
