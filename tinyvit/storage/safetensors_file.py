"""A safetensors file, read and memory-mapped with NumPy alone: the library `safetensors` would copy every array.

    8 bytes, little-endian: length of the header | header, JSON | values

The header names each array, its kind of number, shape, and where in the values it begins and ends. Arrays must lie side
by side and fill the values without a hole, so that no two share bytes and nothing is hidden between them.
Source: the format's description, github.com/huggingface/safetensors.
"""

import json
import math
import mmap
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

KINDS = {  # their names and NumPy's; bfloat16 as the bits that it is
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8", "BF16": "<u2",
}  # fmt: skip
MAPPED_BYTES = 2**16  # arrays of so many bytes are mapped; smaller ones, of which a page holds many, are copied


def read_kinds(path: Path) -> dict[str, str]:
    """Name of each array -> its kind of number, as the file spells it.

    Raises:
        ValueError: the file is no safetensors file, or damaged.
        OSError: it cannot be read.
    """
    return {name: entry["dtype"] for name, entry in _read_header(path)[0].items()}


def read_file_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file, in the order of their names; bfloat16 as uint16 bits.

    Large ones are memory-mapped, copy on write: the system shares their memory among all who read the file, and what is
    written into them stays out of it. The file may be replaced meanwhile, as tinyvit does, but not be cut short.

    Raises:
        ValueError: the file is no safetensors file, damaged, or holds numbers that NumPy lacks.
        OSError: it cannot be read.
    """
    header, start = _read_header(path)
    arrays = {}
    with open(path, "rb") as file:
        mapped = _map(file)
        for name, entry in sorted(header.items()):
            dtype, (first, last) = np.dtype(KINDS[entry["dtype"]]), entry["data_offsets"]
            size = math.prod(entry["shape"])
            if last - first != size * dtype.itemsize:
                raise ValueError(f"{name} has {last - first} bytes, which is not what its shape needs")
            place = start + first
            if mapped and last - first >= MAPPED_BYTES and place % dtype.itemsize == 0:
                arrays[name] = np.ndarray(entry["shape"], dtype, mapped, place)
            else:
                file.seek(place)
                arrays[name] = np.fromfile(file, dtype, size).reshape(entry["shape"])
    return arrays


def let_go(array: np.ndarray) -> None:
    """Free the memory of a mapped array that was not written into: it is read from the file again when needed."""
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        start = array.ctypes.data - np.frombuffer(array.base, np.uint8).ctypes.data
        first, end = -(-start // mmap.PAGESIZE), (start + array.nbytes) // mmap.PAGESIZE  # pages of this array alone
        if first < end:
            array.base.madvise(mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (end - first) * mmap.PAGESIZE)


def _map(file: BinaryIO) -> mmap.mmap | None:
    """The file's bytes as memory; None where the system cannot, or its disk."""
    if os.name == "nt" or sys.platform == "emscripten":  # Windows: a mapped file cannot be replaced
        return None
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError):
        return None


def _read_header(path: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """The entry of each array, and where in the file the values begin; all checked but the sizes of arrays."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > size - 8:
            raise ValueError("it ends before its header does")
        text = file.read(length)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_without_repetition)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    words = header.pop("__metadata__", {})
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise ValueError("its metadata are no words")
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: _checked(*item)["data_offsets"]):
        first, last = entry["data_offsets"]
        if first != end or last < first:
            raise ValueError(f"{name} does not begin where the array before it ends")
        end = last
    if end != size - 8 - length:
        raise ValueError("its arrays do not fill it")
    return header, 8 + length


def _checked(name: str, entry: object) -> dict[str, Any]:
    """An entry of the header, if it has the right fields of the right types.

    Raises:
        ValueError: it has not.
    """
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name} has not the fields dtype, shape and data_offsets")
    numbers = [entry["shape"], entry["data_offsets"]]
    if not all(isinstance(each, list) and all(type(n) is int and 0 <= n < 2**63 for n in each) for each in numbers):
        raise ValueError(f"shape and data_offsets of {name} must be lists of integers")
    if not isinstance(entry["dtype"], str) or len(entry["data_offsets"]) != 2:
        raise ValueError(f"{name} has no kind of number, or no place")
    return entry


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no name stands twice."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return dict(pairs)
