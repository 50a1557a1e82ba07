"""Everything on the CPU works the same where CuPy is missing, where it finds no driver, and where it finds a GPU."""

import os
import subprocess
import sys

import pytest

NO_CUPY = 'raise ImportError("No module named cupy")'
NO_DRIVER = """
class CUDARuntimeError(RuntimeError):
    pass

class runtime:
    @staticmethod
    def getDeviceCount():
        raise CUDARuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version")

class cuda:
    runtime = runtime
"""
A_GPU = """
class runtime:
    @staticmethod
    def getDeviceCount():
        return 1

class cuda:
    runtime = runtime

def __getattr__(name):
    raise AssertionError(f"the CPU alone was asked for, and cupy.{name} was used")
"""
STATES = {"no CuPy": NO_CUPY, "no driver": NO_DRIVER, "a GPU": A_GPU}
SCRIPT = """
import sys
import numpy as np
import tinyvit
assert "cupy" not in sys.modules
model = tinyvit.VisionTransformer(tinyvit.preset("tiny"), rng=np.random.default_rng(0))
from tinyvit.optim import AdamW
from tinyvit.training import train_step
images, labels = np.random.default_rng(0).standard_normal((4, 1, 28, 28)).astype(np.float32), np.arange(4)
train_step(model, AdamW(model.parameters()), images, labels, lr=1e-3)
assert np.isfinite(model.predict(images)).all()
from tinyvit.backend import resolve_device
from tinyvit.cli import main
print(resolve_device("cpu"), resolve_device("auto"))
assert tinyvit.check_gradients(tinyvit.ops.OPS["layer_norm"], [images[:, 0, 0], images[0, 0, 0], images[0, 0, 0]]).passed
assert main(["doctor"]) == 0
sys.exit(main(["train", "--device", "cuda", "--epochs", "1", "--output", "run"]) if sys.argv[1] == "refuse" else 0)
"""


def in_state(name, folder, *arguments):
    """The script in a Python whose CuPy is the stand-in for this state."""
    (folder / "cupy.py").write_text(STATES[name])
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.process
@pytest.mark.parametrize(("name", "auto"), [("no CuPy", "cpu"), ("no driver", "cpu"), ("a GPU", "cuda:0")])
def test_the_cpu_needs_nothing_of_cupy(name, auto, tmp_path):
    result = in_state(name, tmp_path, "")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == f"cpu {auto}"


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "sentence"),
    [("no CuPy", "CuPy is not installed: install it with"), ("no driver", "no NVIDIA driver with a GPU was found")],
)
def test_a_gpu_that_cannot_be_had_is_refused_in_one_sentence(name, sentence, tmp_path):
    result = in_state(name, tmp_path, "refuse")
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
