"""Where the fused kernels run in these tests: on the emulator, or, with `--device cuda`, on the GPU."""

import pytest

from tests.support import emulator


@pytest.fixture
def make_device(device):
    """Makes a device for a config; the emulator takes `order` and `sabotage`, a GPU has its own order."""
    if device != "cpu":
        from tinyvit.gpu import CudaDevice

        return lambda config, **options: CudaDevice(config, device=device)
    if emulator.COMPILER is None:
        pytest.skip("no g++ to compile the kernels for the CPU")
    return emulator.Emulator
