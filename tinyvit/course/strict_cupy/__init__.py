"""A NumPy that refuses what CuPy 14.2 refuses, so that GPU mistakes fail on a machine without a GPU.

`from tinyvit.course import strict_cupy as xp` and use `xp` as one would use `cupy`:
- a name that CuPy lacks is missing here too (cupy_names.txt is `dir(cupy)` of 14.2.0);
- arrays never mix with host arrays, and never turn into one by themselves;
- reductions stay arrays, and every read by the host, which would make it wait for a GPU, is counted: see `host_reads`;
- every call that computes is counted too, with the bytes that it reads and writes: see `launches`;
- `where=` and other arguments that CuPy's functions do not take, and writes to repeated indices, are errors.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from .array import ndarray, wrap
from .counts import Launch, host_reads, launches, no_host_reads

__all__ = ["Launch", "asarray", "host_reads", "launches", "ndarray", "no_host_reads"]

CUPY_NAMES = frozenset((Path(__file__).parent / "cupy_names.txt").read_text(encoding="utf-8").split())


def array(x: Any, dtype: Any = None) -> ndarray:
    """A copy on the "device"; like `cupy.array`, one of the few doors for host arrays."""
    return ndarray(np.array(x._host if isinstance(x, ndarray) else x, dtype))


def asarray(x: Any, dtype: Any = None) -> ndarray:
    return x if isinstance(x, ndarray) and dtype in (None, x.dtype) else array(x, dtype)


linalg = SimpleNamespace(norm=wrap(np.linalg.norm, "linalg.norm"))  # CuPy has more; this is what is used


def asnumpy(x: ndarray) -> np.ndarray:
    return x.get()


def __getattr__(name: str) -> Any:
    if name.startswith("__") or name not in CUPY_NAMES:
        raise AttributeError(f"CuPy 14.2 has no {name}")
    value = getattr(np, name)
    if isinstance(value, type) or not callable(value):
        return value  # dtypes and constants
    function = wrap(value, name)
    if isinstance(value, np.ufunc):
        methods = {method: wrap(getattr(value, method), f"{name}.{method}") for method in ("at", "reduce")}
        return _Ufunc(function, methods)
    return function


class _Ufunc:
    """A ufunc: callable, with `at` and `reduce`."""

    def __init__(self, function: Any, methods: dict[str, Any]):
        self._function = function
        self.__dict__.update(methods)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)
