"""NumPy's `.npz` files, read and written without pickle; sizes that a file declares are checked."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import UserError, one_line
from .tensors import from_bfloat16

MAX_END_BYTES = 22 + 2**16  # bytes of a zip file's last record, with its comment
MAX_MEMBERS = 40_000  # the largest ViT has some 700 arrays
MAX_UNPACK_RATIO = 20  # times the size of the file: weights are noise and do not pack well, bombs do


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The named arrays of a file; bfloat16, which NumPy does not know, becomes float32.

    Raises:
        UserError: the file is missing, damaged or no `.npz` file, or holds Python objects, NaN or infinite numbers.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} cannot be read (it is a folder, a pipe or a device): give a .npz file")
    try:
        _check_count(path)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_UNPACK_RATIO * path.stat().st_size + 2**20:
                raise ValueError("it promises more than it can hold")
            arrays = {member.filename.removesuffix(".npy"): _read_member(archive, member) for member in members}
    except FileNotFoundError as error:
        raise UserError(f"{path} was not found: check the file's name") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}): check the file and its rights") from error
    except Exception as error:  # zipfile and NumPy raise whatever a damaged file leads them to
        raise UserError(f"{path} is damaged or no .npz file ({one_line(error)}): use another copy") from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise UserError(f"{path} is damaged ({one_line(name)} holds NaN or infinite numbers): use another copy")
    return arrays


def _check_count(path: Path) -> None:
    """Look at how many members the end of a zip file announces, before all of them are listed.

    Raises:
        ValueError: more than a model has.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_END_BYTES))
        end = file.read()
    start = end.rfind(b"PK\5\6")
    count = int.from_bytes(end[start + 10 : start + 12], "little")
    if start >= 0 and count > MAX_MEMBERS:  # of 65,535 and more, it says 65,535
        raise ValueError(f"it holds {count:,} arrays or more, and no model has more than {MAX_MEMBERS:,}")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array, if its header says no more and no less than what follows.

    Raises:
        ValueError: it does not.
    """
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise ValueError(f"{member.filename} has the unknown version {version}")
        shape, fortran, dtype = read_header[version](file)
        count = 1
        for side in shape:
            count *= side
        if dtype.hasobject or dtype.kind not in "fiubV" or dtype.fields:
            raise ValueError(f"{member.filename} is not numeric, its dtype is {dtype}")
        content = file.read()
        if count * dtype.itemsize != len(content) or count < 0:
            raise ValueError(f"{member.filename} promises {shape} values and holds {len(content)} bytes")
    array = np.frombuffer(content, dtype)
    if dtype.kind == "V":
        if dtype.itemsize != 2:
            raise ValueError(f"{member.filename} is not numeric, its dtype is {dtype}")
        array = from_bfloat16(array.view(np.uint16))
    return array.reshape(shape, order="F" if fortran else "C")


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of an `.npz` file."""
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()
