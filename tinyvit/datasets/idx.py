"""The IDX format of the MNIST files: a big-endian header (magic, one uint32 for each axis), then the bytes.

A magic of 0x00000801 announces unsigned bytes with one axis (labels), 0x00000803 with three (images).
"""

import gzip
import hashlib
import io
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
REMEDY = "put a fresh copy in its place"
KINDS = {UNSIGNED_BYTES | 1: "labels", UNSIGNED_BYTES | 3: "images"}


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
        raise UserError(f"{path} does not exist: put the file there, or name its folder with --data-dir") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions and the disk") from error


def _gunzip(path: Path, stored: bytes, expected_bytes: int) -> bytes:
    """The content of a gzip file: at most one byte more than expected, enough to know that it is too long."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
            return file.read(expected_bytes + 1)
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


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digests(stored: bytes, content: bytes) -> set[str]:
    """The checksum of the file and that of its content: the same bytes can be gzipped in many ways."""
    return {_digest(stored)} if stored is content else {_digest(stored), _digest(content)}
