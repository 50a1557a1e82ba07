"""Which module, which device, which random numbers."""

import subprocess
import sys
import types
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from tinyvit.backend import (
    array_module,
    available_devices,
    bincount,
    device_of,
    generator,
    is_exact,
    largest,
    like,
    resolve_device,
    to_device,
    to_numpy,
)  # fmt: skip
from tinyvit.errors import UserError
from tinyvit.gradcheck import Dual


def test_the_module_comes_from_the_array(strict):
    assert array_module(np.zeros(3)) is np
    assert array_module(np.float32(1)) is np
    assert array_module(strict.zeros(3)) is strict


@pytest.mark.parametrize(
    ("entries", "pass_as_they_are"),
    [
        ([Fraction(1, 3), 0], True),
        ([Dual(1.0, 2.0), 0.0, 1], True),
        ([1.0, 2.0], False),
        ([1, True], False),
        ([np.float32(1)], False),
        ([Decimal(1)], False),
        ([1j], False),
        (["1", None, [Fraction(1)]], False),
        ([], False),
    ],
)
def test_objects_with_an_arithmetic_of_their_own_are_known(entries, pass_as_they_are):
    x = np.empty(len(entries), object)
    x[:] = entries
    assert is_exact(x) is pass_as_they_are
    assert not is_exact(np.ones(3))
    assert not is_exact(entries)


def test_integers_of_any_size_are_counted_with_32_bit_indices(monkeypatch):
    def strict(x, weights, minlength, count=np.bincount):  # as in a browser
        indices = x.astype(np.int32, casting="safe")
        counts = count(indices, weights, minlength)
        return counts if weights is not None else counts.astype(np.int32)

    with monkeypatch.context() as here:
        here.setattr(np, "intp", np.int32)
        here.setattr(np, "bincount", strict)
        for dtype in (np.int64, np.uint8, np.int32):
            counts = bincount(np.array([4, 1, 1, 3], dtype), minlength=7)
            assert counts.tolist() == [0, 2, 0, 1, 1, 0, 0]
            assert counts.dtype == np.int64
        sums = bincount(np.array([2, 0, 2]), np.array([0.5, 1.0, 0.25]))
    assert sums.tolist() == [1.0, 0.0, 0.75]


def test_the_largest_number_of_a_dtype():
    assert largest(np.ones(2, np.float32)) == np.finfo(np.float32).max
    assert largest(np.array([Fraction(1)], object)) == largest(np.ones(2)) == np.finfo(np.float64).max


@pytest.mark.parametrize("thing", [[1.0], 3.0, None, "x", (1, 2)])
def test_what_is_no_array_is_refused_with_a_remedy(thing):
    with pytest.raises(TypeError, match=r"an array was expected, got .*: use np.asarray"):
        array_module(thing)


def test_moving_to_where_it_is_copies_nothing(strict):
    x = np.arange(3.0)
    assert to_numpy(x) is x
    assert to_device(x, "cpu") is x
    assert like(x, np.zeros(1)) is x
    assert device_of(x) == "cpu"
    np.testing.assert_array_equal(to_numpy(strict.asarray(x)), x)


def fake_cupy(count):
    def get_device_count():
        if count is None:
            raise RuntimeError("cudaErrorInsufficientDriver")
        return count

    cupy = types.ModuleType("cupy")
    cupy.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(getDeviceCount=get_device_count))
    return cupy


@pytest.mark.parametrize(
    ("cupy", "name", "sentence"),
    [
        (None, "cuda", r"CuPy is not installed: install it with: .*cuda13.*or use --device cpu"),
        (fake_cupy(None), "cuda", r"no NVIDIA driver with a GPU.*tinyvit doctor.*--device cpu"),
        (fake_cupy(0), "cuda:0", r"no NVIDIA driver"),
        (fake_cupy(2), "cuda:7", r"'cuda:7' was asked for, but the GPUs here are cuda:0 to cuda:1"),
        (fake_cupy(2), "cuda:2", r"'cuda:2' was asked for, but the GPUs here are cuda:0 to cuda:1"),
        (fake_cupy(2), "gpu", r"must be auto, cpu, cuda or cuda:<index>, got 'gpu'"),
        (fake_cupy(2), "cuda:-1", r"got 'cuda:-1'"),
        (fake_cupy(2), "cuda:", r"got 'cuda:'"),
        (fake_cupy(2), "", r"got ''"),
    ],
)
def test_a_gpu_that_is_not_there_gets_one_sentence(monkeypatch, cupy, name, sentence):
    monkeypatch.setitem(sys.modules, "cupy", cupy)  # None makes the import fail
    with pytest.raises(UserError, match=sentence) as caught:
        resolve_device(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cupy", "auto", "devices"),
    [
        (None, "cpu", ["cpu"]),
        (fake_cupy(None), "cpu", ["cpu"]),
        (fake_cupy(2), "cuda:0", ["cpu", "cuda:0", "cuda:1"]),
    ],
)
def test_auto_takes_a_gpu_if_there_is_one(monkeypatch, cupy, auto, devices):
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert resolve_device("auto") == auto
    assert available_devices() == devices
    assert resolve_device("cpu") == "cpu"


@pytest.mark.parametrize(
    ("name", "device"), [("cuda", "cuda:0"), ("cuda:0", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")]
)
def test_a_gpu_that_is_there_is_named_with_its_number(monkeypatch, name, device):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(2))
    assert resolve_device(name) == device


def test_an_array_goes_to_the_gpu_it_was_sent_to(monkeypatch):
    cupy, at, arrived = fake_cupy(3), [], []

    cupy.cuda.Device = lambda index: types.SimpleNamespace(use=lambda: at.append(index))
    cupy.asarray = lambda x: arrived.append((x, at[-1]))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    for name in ("cuda:2", "cuda", "auto"):
        to_device(np.arange(3), name)
    assert [index for _, index in arrived] == [2, 0, 0]


def test_numbers_follow_from_seed_and_purpose_alone():
    def draw(*key):
        return generator(*key).integers(0, 2**32, 4).tolist()

    assert draw(0, "step", 7) == draw(0, "step", 7)
    assert len({tuple(draw(*key)) for key in [(0, "step", 7), (1, "step", 7), (0, "step", 8), (0, "shuffle", 7)]}) == 4
    assert draw(0, "init") == [3829117492, 4035656240, 2638588143, 1779523842]  # the same on every machine


@pytest.mark.process
def test_import_tinyvit_is_light():
    """Nothing heavy is imported before it is needed, and CuPy and PyTorch never are."""
    heavy = ["cupy", "torch", "matplotlib", "PIL", "safetensors", "tqdm", "scipy", "pandas", "threadpoolctl"]
    code = f"import sys, tinyvit; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
