"""Named arrays in a safetensors file: 8 bytes of length, a JSON header, then the values."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..backend import Array, to_numpy
from ..errors import UserError, one_line
from .safetensors_file import let_go, read_file_arrays, read_kinds

MAX_HEADER_BYTES = 2**22  # bytes: 40,000 arrays; the largest ViT has some 700, and a million take minutes to list
DTYPES = {  # NumPy's names and theirs
    **{f"float{bits}": f"F{bits}" for bits in (16, 32, 64)},
    **{f"int{bits}": f"I{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"U{bits}" for bits in (8, 16, 32, 64)},
}


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The named arrays of a safetensors file; bfloat16, which NumPy does not know, becomes float32.

    Raises:
        UserError: the file is missing, truncated, no safetensors file, names more arrays than any model has, or holds
            NaN or infinite numbers, or numbers of a kind that NumPy lacks.
    """
    if not path.is_file():
        raise UserError(f"{path} was not found: check the folder's name")
    try:
        _check_header(path)
        kinds = read_kinds(path)
        _check_kinds(path, kinds)
        arrays = read_file_arrays(path)
    except UserError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged or no safetensors file ({one_line(error)}): use another copy") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}): check the file and its rights") from error
    arrays |= {name: from_bfloat16(arrays[name]) for name, kind in kinds.items() if kind == "BF16"}
    for name, array in arrays.items():
        if not _is_finite(array):
            raise UserError(f"{path} is damaged ({one_line(name)} holds NaN or infinite numbers): use another copy")
        let_go(array)
    return arrays


def _is_finite(array: np.ndarray) -> bool:
    """Whether no number is NaN or infinite: if one is, so is the sum of the squares, which needs no second array."""
    if array.dtype.kind == "f" and array.itemsize >= 4:
        with np.errstate(all="ignore"):
            if np.isfinite(np.vdot(array, array)):
                return True
    return bool(np.isfinite(array).all())  # the sum alone has overflowed, or NumPy has no quick product


def _check_header(path: Path) -> None:
    """Check that what the file says of itself is short enough to be read.

    Raises:
        ValueError: it is not.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if MAX_HEADER_BYTES < length < path.stat().st_size:  # a length beyond the end is damage, of which the library tells
        raise ValueError(f"its list of arrays has {length:,} bytes, and no model needs more than {MAX_HEADER_BYTES:,}")


def _check_kinds(path: Path, kinds: Mapping[str, str]) -> None:
    """Whether NumPy has numbers of these kinds, or bfloat16, which is half of a float32. Others need their scales, too.

    Raises:
        UserError: it has not.
    """
    for name, kind in kinds.items():
        if kind not in (*DTYPES.values(), "BOOL", "BF16", "C64"):
            raise UserError(
                f"{path} holds {one_line(name)} in {kind}, a quantised kind that is not read: use a copy of the model "
                "in float32, float16 or bfloat16"
            )


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """uint16 -> float32: bfloat16 is the upper half of it."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def write_arrays(file: BinaryIO, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> None:
    """Named arrays, from any device, as a safetensors file, and words about them.

    Array by array, so that a large model is never held twice; the library would copy all of it, and one version of it
    writes garbage for arrays whose memory is not in C order.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **(metadata or {})}}  # transformers asks for a format
    start = 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": DTYPES[str(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [start, start + array.nbytes],
        }
        start += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        file.write(np.ascontiguousarray(to_numpy(array)).data)


def arrays_to_bytes(arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    """Bytes that `write_arrays` writes."""
    file = io.BytesIO()
    write_arrays(file, arrays, metadata)
    return file.getvalue()
