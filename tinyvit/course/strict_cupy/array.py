"""The array of the stand-in: a NumPy array behind a wall with CuPy's doors in it."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from .counts import note_call, note_read

# Arguments that NumPy's functions take and CuPy's do not (creation functions take order; see ALLOWED).
REFUSED = ("where", "initial", "subok", "order", "casting")
ALLOWED_ORDER = {"array", "asarray", "zeros", "empty", "ones", "full", "reshape", "ravel", "copy", "astype"}


def unwrap(x: Any, where: str) -> Any:
    """The host array behind a strict one; a host array itself is refused, as CuPy refuses it."""
    if isinstance(x, ndarray):
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError(f"{where}: unsupported type numpy.ndarray (cross over with xp.asarray)")
    if isinstance(x, list | tuple):
        return type(x)(unwrap(part, where) for part in x)
    return x


def rewrap(x: Any) -> Any:
    if isinstance(x, np.ndarray | np.generic):
        return ndarray(np.asarray(x))
    return tuple(rewrap(part) for part in x) if isinstance(x, tuple) else x


def wrap(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`function` of NumPy, on strict arrays, without the arguments that CuPy lacks."""

    def call(*args: Any, **kwargs: Any) -> Any:
        for keyword in REFUSED:
            if keyword in kwargs and not (keyword == "order" and name in ALLOWED_ORDER):
                raise TypeError(f"{name}: CuPy does not take {keyword}=")
        if name == "einsum" and "out" in kwargs:
            raise TypeError("einsum: CuPy does not take out=")
        out = kwargs.get("out")
        inputs = unwrap(args, name)
        result = function(*inputs, **{key: unwrap(value, name) for key, value in kwargs.items()})
        owner = getattr(function, "__self__", None)  # of a method of an array
        note_call(name, (owner, inputs), result, into="out" in kwargs or result is None)
        return out if isinstance(out, ndarray) else rewrap(result)

    return call


class ndarray:
    """Named as CuPy names its own, so that error messages read alike."""

    __slots__ = ("_host",)
    __array_priority__ = 100
    device = contextlib.nullcontext()  # CuPy's is a context too: what is made inside it lies on that device

    def __init__(self, host: np.ndarray):
        self._host = host

    def __array_namespace__(self) -> ModuleType:
        return sys.modules[__package__]

    # What NumPy would use to look through the wall.
    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("implicit conversion to a NumPy array is not allowed (use .get())")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        raise TypeError(f"np.{ufunc.__name__} was called on a device array: use xp.{ufunc.__name__}")

    def __array_function__(self, function: Any, *args: Any) -> Any:
        raise TypeError(f"np.{function.__name__} was called on a device array: use xp.{function.__name__}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._host, name)
        return wrap(value, name) if callable(value) else rewrap(value) if isinstance(value, np.ndarray) else value

    # Reads by the host: allowed, and counted.
    def get(self) -> np.ndarray:
        note_read("get()")
        return self._host.copy()

    def item(self, *args: int) -> Any:
        note_read("item()")
        return self._host.item(*args)

    def tolist(self) -> Any:
        note_read("tolist()")
        return self._host.tolist()

    def __float__(self) -> float:
        note_read("float()")
        return float(self._host)

    def __int__(self) -> int:
        note_read("int()")
        return int(self._host)

    def __index__(self) -> int:
        note_read("index()")
        return self._host.__index__()

    def __bool__(self) -> bool:
        note_read("bool()")
        return bool(self._host)

    def __format__(self, spec: str) -> str:
        note_read("format()")
        return format(self._host.item() if self._host.ndim == 0 else self._host, spec)

    def __repr__(self) -> str:
        note_read("repr()")
        return f"strict({self._host!r})"

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __deepcopy__(self, memo: Any) -> "ndarray":
        return ndarray(self._host.copy())

    def __getitem__(self, index: Any) -> Any:
        part = self._host[_checked_index(index, writing=False)]
        if not np.may_share_memory(part, self._host):  # picked out by an array of indices: read and write its size
            note_call("take", part, part.copy())
        return rewrap(part)

    def __setitem__(self, index: Any, value: Any) -> None:
        place = _checked_index(index, writing=True)
        self._host[place] = unwrap(value, "assignment")
        note_call("assignment", unwrap(value, "assignment"), self._host[place], into=True)


def _checked_index(index: Any, *, writing: bool) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        if isinstance(part, list | range) or (isinstance(part, np.ndarray) and part.ndim):
            note_read("indexing with host numbers")
        if isinstance(part, ndarray) and part._host.dtype == bool:
            note_read("indexing with a mask")
    raw = tuple(part._host if isinstance(part, ndarray) else part for part in parts)
    fancy = [np.asarray(part) for part in raw if isinstance(part, list | range | np.ndarray) and np.ndim(part)]
    whole = [part for part in fancy if part.dtype != bool]
    if writing and whole:
        places = np.stack([part.ravel() for part in np.broadcast_arrays(*whole)], axis=1)
        if len(np.unique(places, axis=0)) < len(places):
            raise ValueError("an index is repeated: what is stored is undefined in CuPy (use xp.add.at)")
    return raw if isinstance(index, tuple) else raw[0]


def _operator(name: str) -> Callable[..., Any]:
    def operate(self: ndarray, *others: Any) -> Any:
        hosts = [unwrap(other, name) for other in others]
        result = getattr(self._host, name)(*hosts)
        note_call(name.strip("_"), (self._host, hosts), result)
        return result if result is NotImplemented else rewrap(result)

    return operate


def _in_place(name: str) -> Callable[..., Any]:
    def operate(self: ndarray, other: Any) -> ndarray:
        host = unwrap(other, name)
        getattr(self._host, name)(host)
        note_call(name.strip("_"), (self._host, host), self._host, into=True)
        return self

    return operate


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(ndarray, f"__r{_name}__", _operator(f"__r{_name}__"))
    setattr(ndarray, f"__i{_name}__", _in_place(f"__i{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "invert"):
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
