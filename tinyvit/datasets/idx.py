"""The IDX format of the MNIST files: a big-endian header (magic, one uint32 for each axis), then the bytes.

A magic of 0x00000801 announces unsigned bytes with one axis (labels), 0x00000803 with three (grey images), 0x00000804
with four (images in colour).
"""

import gzip
import hashlib
import io
import math
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import UserError

UNSIGNED_BYTES = 0x0800
GZIP_MAGIC = b"\x1f\x8b"
GZIP_OVERHEAD = 65536  # what gzip may add to bytes it cannot compress: far less than this
HEADER_BYTES = 4 + 4 * 4  # with four axes
MAX_HASHED_BYTES = 2**28  # bytes: of CIFAR's archives
REMEDY = "put a fresh copy in its place"
KINDS = {UNSIGNED_BYTES | 1: "labels", UNSIGNED_BYTES | 3: "images", UNSIGNED_BYTES | 4: "images in colour"}
OTHER_TYPES = {
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
MAX_UNPACK_RATIO = 200  # times the size of a gzip file: images shrink to a fifth, bombs to a thousandth
FREE_UNPACKED = 2**26  # bytes that any file may unpack to


def read_idx(
    path: str | os.PathLike[str],
    *,
    shape: tuple[int, ...],
    sha256: Iterable[str] | None = None,
    num_classes: int | None = None,
) -> np.ndarray:
    """Read one IDX file, gzipped or plain (the content says which), and trust nothing in it.

    Args:
        path: the file.
        shape: what it has to hold: (n,) for labels, (n, rows, columns) for images. Never more than this many
            bytes and one are decompressed, whatever the file claims.
        sha256: the checksums, in hexadecimal, of which one must be that of the file as it lies on the disk
            or of its uncompressed content; None accepts any file of the right form.
        num_classes: K, for labels: every byte must lie in 0..K-1; None accepts any.

    Returns:
        A new uint8 array of shape `shape`.

    Raises:
        UserError: the file is missing or cannot be read, or is not exactly what was asked for.
    """
    path = Path(path)
    expected_bytes = 4 + 4 * len(shape) + int(np.prod(shape))
    stored = _read_file(path, max_bytes=2 * expected_bytes + GZIP_OVERHEAD)
    content = _gunzip(path, stored, expected_bytes) if stored.startswith(GZIP_MAGIC) else stored
    _check_header(path, content, shape)
    if len(content) < expected_bytes:
        raise UserError(f"{path} is cut short: {len(content)} of {expected_bytes} bytes are there: {REMEDY}")
    if len(content) > expected_bytes:
        raise UserError(f"{path} goes on after the {expected_bytes} bytes its header announces: {REMEDY}")
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape).copy()
    if num_classes is not None and values.size and values.max() >= num_classes:
        raise UserError(f"{path} holds the label {values.max()}, expected 0..{num_classes - 1}: {REMEDY}")
    if sha256 is not None and not _digests(stored, content) & set(sha256):
        raise UserError(
            f"{path} has the right form but not the published content (SHA-256 {_digest(content)} unpacked "
            "is not on the list of this dataset): put the published .gz file in its place"
        )
    return values


def idx_shape(path: str | os.PathLike[str]) -> tuple[int, ...]:
    """Shape in the header of an IDX file: (n,) for labels, (n, rows, columns) or with a fourth axis for images.

    Raises:
        UserError: the file is missing, is no IDX file, holds no unsigned bytes, or claims more than it can hold.
    """
    path = Path(path)
    start = _read_file(path, max_bytes=GZIP_OVERHEAD)
    if start.startswith(GZIP_MAGIC):
        start = _gunzip(path, start, HEADER_BYTES, whole=False)
    magic = int.from_bytes(start[:4], "big")
    if magic >> 16 == 0 and magic >> 8 in OTHER_TYPES:
        raise UserError(
            f"{path} holds {OTHER_TYPES[magic >> 8]}, and only unsigned bytes can be read: "
            "scale the values to 0..255 and save them as those"
        )
    if len(start) < 4 or magic not in KINDS:
        raise UserError(
            f"{path} is neither a gzip nor an IDX file of labels (one axis) or images (three or four axes): "
            f"it starts with {start[:4]!r}: {REMEDY}"
        )
    axes = magic & 0xFF
    if len(start) < 4 + 4 * axes:
        raise UserError(f"{path} is cut short: it ends inside its header: {REMEDY}")
    shape = struct.unpack_from(f">{axes}I", start, 4)
    size, most = math.prod(shape), MAX_UNPACK_RATIO * path.stat().st_size + FREE_UNPACKED
    if 0 in shape or size > most:
        what = "nothing" if 0 in shape else f"{size:,} bytes, more than it can hold"
        raise UserError(f"{path} announces images or labels of shape {shape}, that is {what}: {REMEDY}")
    return shape


def _read_file(path: Path, *, max_bytes: int) -> bytes:
    """The bytes of `path` as they are on the disk; of a file that is too large only the first `max_bytes`."""
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder, expected an IDX file: put the file itself in its place")
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is a device or a pipe, expected an IDX file: {REMEDY}")
        with path.open("rb") as file:
            return file.read(max_bytes)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: put the file there") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions and the disk") from error


def _gunzip(path: Path, stored: bytes, expected_bytes: int, *, whole: bool = True) -> bytes:
    """The content of a gzip file: at most one byte more than expected, enough to know that it is too long.

    Args:
        whole: whether `stored` is all of the file, or its beginning.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
            return file.read(expected_bytes + 1) if whole else file.read1(expected_bytes)
    except EOFError as error:
        raise UserError(f"{path} is cut short (its gzip stream has no end): {REMEDY}") from error
    except (OSError, zlib.error) as error:
        raise UserError(f"{path} is a damaged gzip file, or goes on after its end ({error}): {REMEDY}") from error


def _check_header(path: Path, content: bytes, shape: tuple[int, ...]) -> None:
    """The magic and the length of every axis must be those of `shape`."""
    expected_kind = KINDS.get(UNSIGNED_BYTES | len(shape), f"bytes with {len(shape)} axes")
    magic = int.from_bytes(content[:4], "big")
    if magic in KINDS and magic != UNSIGNED_BYTES | len(shape):
        raise UserError(
            f"{path} holds {KINDS[magic]}, expected {expected_kind}: "
            "the image file and the label file seem to be swapped, rename them"
        )
    if len(content) < 4 or magic != UNSIGNED_BYTES | len(shape):
        raise UserError(
            f"{path} is neither a gzip nor an IDX file of {expected_kind}: it starts with "
            f"{content[:4]!r}, expected {(UNSIGNED_BYTES | len(shape)).to_bytes(4, 'big')!r}: {REMEDY}"
        )
    if len(content) < 4 + 4 * len(shape):
        raise UserError(f"{path} is cut short: it ends inside its header: {REMEDY}")
    found = struct.unpack_from(f">{len(shape)}I", content, 4)
    if found != shape:
        raise UserError(
            f"{path} announces {expected_kind} of shape {found}, expected {shape}: "
            "check that the train and t10k files are not swapped, or put a fresh copy in its place"
        )


def digests(path: Path) -> set[str]:
    """SHA-256 of a file, and of what is in it if it is a gzip file that holds no more than MNIST's images."""
    stored = _read_file(path, max_bytes=MAX_HASHED_BYTES)
    try:
        content = _gunzip(path, stored, MAX_HASHED_BYTES) if stored.startswith(GZIP_MAGIC) else stored
    except UserError:  # reading it says so
        content = stored
    return _digests(stored, content)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digests(stored: bytes, content: bytes) -> set[str]:
    """The checksum of the file and that of its content: the same bytes can be gzipped in many ways."""
    return {_digest(stored)} if stored is content else {_digest(stored), _digest(content)}
