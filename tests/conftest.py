"""What all tests share: one BLAS thread, no windows, all cores, and `--device` to run the same tests on a GPU."""

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"

import numpy as np
import pytest
from PIL import Image

from tinyvit.backend import array_module, resolve_device, to_device
from tinyvit.errors import UserError

SLOW_TESTS = Path(__file__).parent / "slow_tests.txt"
MAX_PROCESSES = 8  # each makes the fixtures of a session for itself


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="where the tests compute: cpu, cuda, cuda:<index>")


def pytest_configure(config):
    try:
        config.tinyvit_device = resolve_device(config.getoption("--device"))
    except UserError as error:
        pytest.exit(str(error), returncode=2)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist makes up its mind
def pytest_cmdline_main(config):
    """Share the tests among the cores, as `-n auto` does (pytest-xdist, of the extra `test`). Files named one by one start
    faster in one process, a debugger wants one, and one GPU does not get faster by sharing.
    """
    shareable = getattr(config.option, "numprocesses", 0) is None and not hasattr(config, "workerinput")
    if shareable and config.getoption("--device") == "cpu" and not any(".py" in place for place in config.args):
        config.option.numprocesses, config.option.maxprocesses = "auto", config.option.maxprocesses or MAX_PROCESSES
        if config.option.dist == "no":
            config.option.dist = "worksteal"  # neighbours stay together, for their fixtures


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(items):
    """Mark as slow what `tests/slow_tests.txt` lists, see `tests/support/slow_list.py`."""
    slow = set(SLOW_TESTS.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in slow:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def device(pytestconfig):
    """The device that --device names."""
    return pytestconfig.tinyvit_device


@pytest.fixture
def on_device(device):
    """Moves an array, or the arrays in a dict, to the device; everything else is left as it is."""

    def move(x):
        if isinstance(x, dict):
            return {key: move(value) for key, value in x.items()}
        return to_device(x, device) if isinstance(x, np.ndarray) else x

    return move


@pytest.fixture
def xp(device):
    """The array module of the device."""
    return array_module(to_device(np.zeros(1), device))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def strict():
    """CuPy's stand-in, with nothing counted yet."""
    from tinyvit.course import strict_cupy

    strict_cupy.host_reads().clear()
    strict_cupy.launches().clear()
    return strict_cupy


@pytest.fixture
def make_image(tmp_path):
    """Saves random pixels, (height, width) = size, under a name in tmp_path; returns the path."""

    def make(name, seed=None, *, size=(20, 30), mode="RGB", **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([*name.encode()] if seed is None else seed)
        values = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(values).convert(mode).save(path, **options)
        return path

    return make


@pytest.fixture(scope="session")
def small_dataset():
    """200 digits to train on in place of the whole of MNIST."""
    from tests.support import small_run  # here, as most tests train nothing

    return small_run.small_dataset()
