# mypy: disable-error-code="no-untyped-def"
"""Lesson 16, what is in the file, and how it is arranged."""

import json
from collections.abc import Iterator

import numpy as np

from ...storage.tensors import arrays_to_bytes
from ..exercise import Case, add

# --- 16.1 ---


def array_from_file(content, name):
    return _array(content, name)


def _array(
    content,
    name,
    *,
    header=lambda content, length: content[8 : 8 + length],
    byteorder="little",
    begin=8,
    after_header=True,
    dtype="<f4",
    end=lambda start, stop: stop,
    order="C",
):
    length = int.from_bytes(content[:8], byteorder)
    entry = json.loads(header(content, length))[name]
    start, stop = entry["data_offsets"]
    first = begin + length if after_header else 0
    piece = content[first + start : first + end(start, stop)]
    array = np.frombuffer(piece, dtype)
    return array if order is None else array.reshape(entry["shape"], order=order)


def _file(arrays, names, blanks):
    """A safetensors file whose header lists the arrays as `names` says, with so many more blanks at its end."""
    content = arrays_to_bytes(arrays)
    end = 8 + int.from_bytes(content[:8], "little")
    entries = json.loads(content[8:end])
    header = json.dumps({name: entries[name] for name in ("__metadata__", *names)}).encode() + b" " * blanks
    return len(header).to_bytes(8, "little") + header + content[end:]


def _file_cases(rng: np.random.Generator) -> Iterator[Case]:
    for rows, columns, others in (
        (2, 3, 4),
        (5, 2, 6),
        (1, 4, 3),
        (3, 1, 2),
        tuple(int(n) for n in rng.integers(2, 7, 3)),
    ):
        shapes = {"first": (others, 2), "wanted": (rows, columns), "last": (2 * others,)}
        arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        yield Case((_file(arrays, arrays, others % 4), "wanted"))
        yield Case((_file(arrays, ("last", "wanted", "first"), 70_000), "last"))  # a long header, in another order


add(
    "16.1",
    array_from_file,
    _file_cases,
    outputs=("array",),
    mistakes={
        "data_offsets count from the end of the header; add 8 and the header's length": (
            lambda content, name: _array(content, name, after_header=False)
        ),
        "the header begins after the 8 bytes of its length: the numbers begin at 8 + length": (
            lambda content, name: _array(content, name, begin=0)
        ),
        "give it the shape that the header says": lambda content, name: _array(content, name, order=None),
        "F32 is float32, 4 bytes a number; np.frombuffer takes float64 if nothing else is said": (
            lambda content, name: _array(content, name, dtype=float)
        ),
        "the lowest byte of the length comes first: int.from_bytes(..., 'little')": (
            lambda content, name: _array(content, name, byteorder="big")
        ),
        "data_offsets are two, where the array begins and where it ends; you took all that follows": (
            lambda content, name: _array(content, name, end=lambda start, stop: None)
        ),
        "the second of data_offsets is where the array ends, not how long it is": (
            lambda content, name: _array(content, name, end=lambda start, stop: start + stop)
        ),
        "the header is `length` bytes long and begins at byte 8, so it ends at 8 + length": (
            lambda content, name: _array(content, name, header=lambda content, length: content[8:length])
        ),
        "the numbers are little-endian, as the length is: '<f4'": lambda content, name: _array(
            content, name, dtype=">f4"
        ),
        "the numbers of a row lie side by side: reshape needs no order": (
            lambda content, name: _array(content, name, order="F")
        ),
        "F32 says that the numbers are floats, not integers": lambda content, name: _array(content, name, dtype="<i4"),
    },
    not_to_call=("tensors",),
)

# --- 16.2 ---


def qkv_weight(query, key, value):
    return _joined([query, key, value])


def _joined(parts, *, turned=True, axis=-1):
    return np.concatenate([part.T if turned else part for part in parts], axis=axis)


def _qkv_cases(rng: np.random.Generator) -> Iterator[Case]:
    for D in (2, 4, int(rng.integers(5, 9)), 1):
        yield Case(tuple(rng.standard_normal((D, D)) for _ in range(3)))


add(
    "16.2",
    qkv_weight,
    _qkv_cases,
    outputs=("weight",),
    mistakes={
        "each of the three is (out, in) in the file: turn it with `.T` before they are joined": (
            lambda query, key, value: _joined([query, key, value], turned=False)
        ),
        "that is (3D, D), PyTorch's way; ours is (in, out): transpose": (
            lambda query, key, value: _joined([query, key, value], turned=False, axis=0)
        ),
        "they stand below each other; ours stand side by side, along the last axis": (
            lambda query, key, value: _joined([query, key, value], axis=0)
        ),
        "the order is queries, keys, values": lambda query, key, value: _joined([value, key, query]),
        "the order is queries, keys, values; values come last": lambda query, key, value: _joined([query, value, key]),
        "only the queries were turned; keys and values are (out, in), too": (
            lambda query, key, value: np.concatenate([query.T, key, value], axis=-1)
        ),
        "the order is queries, keys, values; keys come second": lambda query, key, value: _joined([key, query, value]),
        "np.stack makes a new axis; np.concatenate joins along one that is there": (
            lambda query, key, value: np.stack([query.T, key.T, value.T])
        ),
        "reshape leaves the numbers in their old order; `.T` is what swaps rows and columns": (
            lambda query, key, value: np.concatenate([query, key, value]).reshape(len(query), -1)
        ),
    },
    not_to_call=("pretrained/",),
)

# --- 16.3 ---


def patch_weight(kernel):
    return _flat(kernel)


def _flat(kernel, *, axes=(1, 2, 3, 0)):
    return kernel.transpose(axes).reshape(-1, len(kernel))


def _kernel_cases(rng: np.random.Generator) -> Iterator[Case]:
    for D, C, P in (
        (5, 3, 2),
        (4, 1, 3),
        (1, 3, 2),
        (3, 1, 1),
        (2, 3, 1),
        tuple(int(n) for n in rng.integers(2, 6, 3)),
    ):
        yield Case((rng.standard_normal((D, C, P, P)),))


add(
    "16.3",
    patch_weight,
    _kernel_cases,
    outputs=("weight",),
    mistakes={
        "D comes first in the file: a plain reshape to (C·P·P, D) tears every kernel apart": (
            lambda kernel: kernel.reshape(-1, len(kernel))
        ),
        "that is (D, C·P·P): one more transpose": lambda kernel: kernel.reshape(len(kernel), -1),
        "a patch is flattened channel by channel here; you put the channel last": (
            lambda kernel: _flat(kernel, axes=(2, 3, 1, 0))
        ),
        "rows and columns of the kernel have changed places; `.T` turns round all axes": (
            lambda kernel: _flat(kernel, axes=(1, 3, 2, 0))
        ),
        "the columns became the slowest axis: `.T` of all four axes is (P, P, C, D), with P and P swapped": (
            lambda kernel: kernel.T.reshape(-1, len(kernel))
        ),
        "the convolution of deep learning does not flip its kernels": lambda kernel: _flat(kernel[:, :, ::-1, ::-1]),
        "the channels were added up; each has weights of its own": lambda kernel: _flat(kernel.sum(1, keepdims=True)),
    },
    not_to_call=("pretrained/",),
)
