"""Array backends, NumPy or CuPy: the module of an array, its device, and moves between devices.

Everything else is written once, in terms of `xp = array_module(x)`.
"""

from .arrays import (
    PLAIN,
    Array,
    ArrayModule,
    array_module,
    bincount,
    column_sum,
    is_exact,
    is_host,
    largest,
    matmul_into,
    native_erf,
    row_max,
    row_mean,
    row_sum,
    to_numpy,
)
from .devices import available_devices, cupy_module, device_of, like, resolve_device, set_matmul_precision, to_device
from .memory import keep_freed_memory
from .random import BatchRows, ExampleRows, generator
from .threads import by_rows, one_matrix_thread

__all__ = [
    "PLAIN",
    "Array",
    "ArrayModule",
    "BatchRows",
    "ExampleRows",
    "array_module",
    "available_devices",
    "bincount",
    "by_rows",
    "column_sum",
    "cupy_module",
    "device_of",
    "generator",
    "is_exact",
    "is_host",
    "keep_freed_memory",
    "largest",
    "like",
    "matmul_into",
    "native_erf",
    "one_matrix_thread",
    "resolve_device",
    "row_max",
    "row_mean",
    "row_sum",
    "set_matmul_precision",
    "to_device",
    "to_numpy",
]
