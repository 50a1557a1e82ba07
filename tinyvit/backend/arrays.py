"""Arrays of NumPy, CuPy, or anything that behaves like them: which module made one, and what is faster done by hand."""

import functools
import sys
from collections.abc import Callable
from numbers import Real
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from ..errors import UserError

# NumPy and CuPy arrays share their interface but no base class: type checkers take both for NumPy's.
Array: TypeAlias = np.ndarray
ArrayModule: TypeAlias = ModuleType
PLAIN = np.ndarray  # of which type arrays are as a rule


def array_module(x: Array) -> ArrayModule:
    """The module that made `x`: `numpy` for a NumPy array, `cupy` for a CuPy array.

    The answer comes from the argument, never from a global switch, so CPU and GPU arrays can be at work in one process.
    Nothing is imported here: where there is a CuPy array, CuPy has been imported already.

    Raises:
        TypeError: `x` is no array, or one of a library that is not like NumPy.
        UserError: `x` is a masked array: sums and products would pass over its mask.
    """
    if type(x) is np.ndarray:
        return np
    if isinstance(x, np.ma.MaskedArray):
        raise UserError("a masked array was given, and its mask would be passed over: fill it, or leave the masked out")
    if isinstance(x, np.ndarray | np.generic):
        return np
    if hasattr(x, "__array_namespace__"):  # the array API standard's way, which CuPy 14 has not taken yet
        return x.__array_namespace__()
    module = sys.modules.get(type(x).__module__.partition(".")[0])
    if not (hasattr(x, "shape") and hasattr(module, "ndarray")):
        raise TypeError(f"an array was expected, got {type(x).__name__}: use np.asarray (or cupy.asarray) first")
    return module


def to_numpy(x: Any) -> np.ndarray:
    """`x` on the host, as a NumPy array; a NumPy array is returned as it is, not copied."""
    return np.asarray(x) if array_module(x) is np else x.get()


def bincount(x: np.ndarray, weights: np.ndarray | None = None, minlength: int = 0) -> np.ndarray:
    """`numpy.bincount` of integers of any size: how often 0, 1, 2, ... stand in (n,), int64; of `weights` their sums.

    NumPy's own refuses int64 where its indices have 32 bits, as in a browser, and would count in 32 bits there.
    """
    counts = np.bincount(x.astype(np.intp, copy=False), weights, minlength)
    return counts if weights is not None else counts.astype(np.int64, copy=False)


def matmul_into(out: Array, a: Array, b: Array) -> None:
    """`a @ b`, written to `out`, which may be a view with gaps: NumPy needs no array in between, CuPy does."""
    if is_host(out):
        np.matmul(a, b, out=out)
    else:
        out[...] = a @ b


def is_exact(x: Any) -> bool:
    """Whether `x` is an array of objects that are real numbers of a kind of their own: dual numbers
    (`gradcheck/dual.py`), fractions. They bring their own arithmetic, exp and erf, and ops compute with them as they
    are (where a float stands in a formula, a `fractions.Fraction` becomes a float).
    """
    return getattr(getattr(x, "dtype", None), "kind", "") == "O" and any(
        isinstance(entry, Real) and not isinstance(entry, int | float | np.number) for entry in x.flat
    )


def largest(x: Array) -> float:
    """The largest number that `x`'s dtype can hold; of objects, what float64 can."""
    return float(array_module(x).finfo("float64" if x.dtype.kind == "O" else x.dtype).max)


def native_erf(x: Array) -> Callable[[Array], Array] | None:
    """The error function that comes with `x`'s array module or with its objects; None where there is none, as for
    floats in NumPy.
    """
    if x.dtype.kind == "O":
        return np.frompyfunc(lambda entry: entry.erf(), 1, 1)  # as np.exp does it
    if array_module(x).__name__ == "cupy":
        from cupyx.scipy.special import erf

        return erf
    return None


def is_host(x: Array) -> bool:
    """Whether `x` is a NumPy array, so that looking at its values costs no wait for a GPU."""
    return array_module(x) is np


# Sums, means and maxima along one axis of a matrix, several times faster than `x.sum(-1)` and its kin, which visit each
# short row by itself: a product with a constant vector runs through all of it at the speed of the matrix library. On a
# GPU the gap is wider still: `dy.sum(0)` of a tall matrix keeps only a few cores busy.


def row_sum(x: Array) -> Array:
    """Sum of each row: (R, D) -> (R, 1)."""
    return x @ _constants(x, x.shape[-1], 1).reshape(-1, 1)


def row_mean(x: Array) -> Array:
    """Mean of each row: (R, D) -> (R, 1)."""
    return x @ _constants(x, x.shape[-1], 1.0 / x.shape[-1]).reshape(-1, 1)


def column_sum(x: Array) -> Array:
    """Sum of each column: (R, D) -> (D,)."""
    return _constants(x, x.shape[0], 1) @ x


def row_max(x: Array) -> Array:
    """Largest number of each row: (R, N) -> (R, 1)."""
    if not is_host(x):
        return x.max(axis=-1, keepdims=True)
    xp = array_module(x)  # NumPy's maximum over slices of one long vector costs half of what x.max(-1) costs
    return xp.maximum.reduceat(x.reshape(-1), xp.arange(0, x.size, x.shape[-1])).reshape(-1, 1)


def _constants(like: Array, n: int, value: float) -> Array:
    """(n,) times `value`, where `like` is and of its dtype."""
    make = _keep_constants if is_host(like) else _make_constants
    return make(array_module(like), n, value, like.dtype)


def _make_constants(xp: ArrayModule, n: int, value: float, dtype: Any) -> Array:
    return xp.full(n, value, dtype)


# For a single image, to make them takes as long as to use them.
_keep_constants = functools.lru_cache(maxsize=64, typed=True)(_make_constants)
