"""`CudaDevice` itself, on a stand-in for CuPy and cuBLAS: what it calls, and that a recorded step is the emulator's."""

import gc

import numpy as np
import pytest

from tests.support import emulator
from tests.support import kernel_cases as cases
from tests.support.fake_cupy import FakeCupy, in_place_of_cupy
from tests.support.fused_steps import CONFIGS, Side, close
from tinyvit.gpu import CudaDevice, GraphedStep

pytestmark = pytest.mark.skipif(emulator.COMPILER is None, reason="no g++ to compile the kernels for the CPU")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["class token", "long attention"])
def test_recorded_cuda_steps_are_those_of_the_emulator(name, monkeypatch):
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
    assert device.stream.recorded is None


def test_a_step_that_cannot_be_recorded_goes_on_as_it_is(monkeypatch):
    """What is forbidden while recording spoils the recording; the stream works again only when that has been ended."""
    with in_place_of_cupy(monkeypatch):
        device = CudaDevice(cases.SMALL)
    done = []

    def waits():
        device.stream.synchronize()
        done.append(True)

    step = GraphedStep(device, waits)
    for _ in range(3):
        step()
    assert len(done) == 3
    assert step.fallback == "RuntimeError: cudaErrorStreamCaptureUnsupported"


def test_ctrl_c_while_recording_is_ctrl_c(monkeypatch):
    with in_place_of_cupy(monkeypatch):
        device = CudaDevice(cases.SMALL)

    def interrupted():
        device.stream.is_spoilt = True
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        device.record(interrupted)
    assert device.stream.recorded is None
    assert gc.isenabled()


def test_kernels_and_products_share_a_stream(monkeypatch):
    with in_place_of_cupy(monkeypatch):
        before = FakeCupy.stream
        device = CudaDevice(cases.SMALL)
        assert FakeCupy.stream is device.stream
        other = FakeCupy.cuda.Stream()
        x, bias = (device.xp.asarray(np.ones(4, np.float32)) for _ in range(2))
        with other:
            device.stream.begin_capture()
            device.launch("add_bias", (1,), (32,), x, bias, 4, 4)
            device.zero(x)
            assert FakeCupy.stream is other
        assert len(device.stream.recorded) == 2
        device.stream.end_capture()
        device.close()
        assert FakeCupy.stream is before
