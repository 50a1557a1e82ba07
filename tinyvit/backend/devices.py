"""Devices by name: "cpu", "cuda" (the first GPU), "cuda:1", and "auto" (a GPU if there is one)."""

import re
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import UserError
from .arrays import Array, array_module, to_numpy

INSTALL_CUPY = "install it with: python -m pip install 'tinyvit[cuda13]' (or tinyvit[cuda12])"


def cupy_module() -> ModuleType:
    """CuPy, imported only when a GPU is asked for."""
    try:
        import cupy
    except ImportError as error:
        raise UserError(
            f"a GPU was asked for, but CuPy is not installed: {INSTALL_CUPY}, or use --device cpu"
        ) from error
    return cupy


def _gpu_count() -> int:
    """Number of GPUs that CuPy can use; 0 where CuPy or the driver is missing."""
    try:
        return cupy_module().cuda.runtime.getDeviceCount()
    except Exception:  # no CuPy, no driver, or a driver too old: whatever the reason, there is no GPU to use
        return 0


def available_devices() -> list[str]:
    """The names that `to_device` takes on this machine, the CPU first: `["cpu", "cuda:0", "cuda:1"]`."""
    return ["cpu"] + [f"cuda:{index}" for index in range(_gpu_count())]


def resolve_device(name: str = "auto") -> str:
    """Turn "auto", "cpu", "cuda" or "cuda:1" into "cpu" or "cuda:<index>".

    Raises:
        UserError: the name is not one of these, or the GPU it names is not there.
    """
    if name == "cpu":
        return "cpu"
    if name == "auto":
        return "cuda:0" if _gpu_count() else "cpu"
    match = re.fullmatch(r"cuda(?::(\d+))?", str(name))
    if match is None:
        raise UserError(f"the device must be auto, cpu, cuda or cuda:<index>, got {name!r}")
    index = int(match[1] or 0)
    cupy_module()
    count = _gpu_count()
    if count == 0:
        raise UserError(
            f"device {name!r} was asked for, but no NVIDIA driver with a GPU was found: "
            "install the driver (see tinyvit doctor), or use --device cpu"
        )
    if index >= count:
        raise UserError(f"device {name!r} was asked for, but the GPUs here are cuda:0 to cuda:{count - 1}")
    return f"cuda:{index}"


def device_of(x: Any) -> str:
    """The name of the device that holds `x`, in the spelling of `resolve_device`."""
    return f"cuda:{x.device.id}" if array_module(x).__name__ == "cupy" else "cpu"


def to_device(x: Array, device: str) -> Array:
    """`x` on `device`; returned as it is when it is there already. From then on this thread computes on that GPU.

    Raises:
        UserError: there is no such device.
    """
    device = resolve_device(device)
    if device == "cpu":
        return to_numpy(x)
    cupy = cupy_module()
    cupy.cuda.Device(int(device.partition(":")[2])).use()
    return cupy.asarray(x)


def like(x: Array, reference: Any) -> Array:
    """The host array `x` as an array of `reference`'s module, on `reference`'s device."""
    xp = array_module(reference)
    if xp is np:
        return x
    with reference.device:
        return xp.asarray(x)


def set_matmul_precision(precision: str) -> None:
    """Set how CuPy's float32 matrix products round their inputs: "fp32" not at all, "tf32" to 10 bits, "bf16" to 7.

    Products of stacks of matrices, as in attention, stay in float32.
    """
    from cupy._core import _routines_linalg as linalg

    types = {
        "fp32": linalg.COMPUTE_TYPE_DEFAULT,
        "tf32": linalg.COMPUTE_TYPE_TF32,
        "bf16": linalg.COMPUTE_TYPE_BF16,
    }
    linalg.set_compute_type(np.float32, types[precision])
