"""One file from the first mirror that delivers it: resumable, checked, and put in place all at once."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm.std import tqdm

from ..errors import UserError

CHUNK_BYTES = 65536
REMEDY = (
    "check the connection and run the same command again (it goes on where it stopped), or put the files "
    "into a folder yourself and name it with --data-dir or the environment variable TINYVIT_DATA"
)


class _MirrorError(Exception):
    """Why one mirror did not deliver; the next one may.

    Some of the words come from the server: they become one short line that a terminal can show safely.
    """

    def __init__(self, reason: object) -> None:
        printable = "".join(c if c.isprintable() else " " for c in str(reason))
        super().__init__(" ".join(printable.split())[:200])


def download(
    urls: Sequence[str],
    destination: str | os.PathLike[str],
    *,
    sha256: str,
    max_bytes: int,
    timeout: float = 30.0,
) -> Path:
    """Fetch `destination` from the first of `urls` that has the right bytes.

    What has arrived is kept in `<destination>.part` through a cut connection, a full disk or Ctrl-C, and the
    next mirror or the next run goes on from there. Only a file with the right checksum gets its real name.

    Args:
        urls: the same file on several mirrors, tried in turn.
        sha256: its checksum, in hexadecimal.
        max_bytes: no mirror may send more than this.
        timeout: the longest silence to wait through, in seconds.

    Returns:
        The path of the file.

    Raises:
        UserError: no mirror delivered the file, or it could not be written.
    """
    destination = Path(destination)
    part = destination.with_name(destination.name + ".part")
    reasons = []
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            try:
                _fetch_verified(url, part, sha256, max_bytes, timeout)
            except _MirrorError as error:
                reasons.append(f"{url} ({error})")
            else:
                os.replace(part, destination)
                return destination
    except OSError as error:  # those of the network have become _MirrorError: this one is about the disk
        raise UserError(
            f"{destination} could not be written ({error.strerror}): free some space or set TINYVIT_CACHE to "
            "another folder, and run the same command again (what has arrived is kept)"
        ) from error
    raise UserError(f"{destination} could not be downloaded from {' or '.join(reasons)}: {REMEDY}")


def _fetch_verified(url: str, part: Path, sha256: str, max_bytes: int, timeout: float) -> None:
    """Complete `part` from `url`; with a wrong checksum remove it, and fetch it anew if it was resumed."""
    resumed = part.exists()
    _fetch(url, part, max_bytes, timeout)
    with part.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
            return
    part.unlink()
    if not resumed:
        raise _MirrorError("the file it sends has the wrong checksum")
    _fetch_verified(url, part, sha256, max_bytes, timeout)


def _fetch(url: str, part: Path, max_bytes: int, timeout: float) -> None:
    """Append to `part` what is missing, or start over where the server cannot send a part of a file."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "tinyvit"} | ({"Range": f"bytes={start}-"} if start else {})
    with _network_errors(timeout):
        try:
            response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and start:  # nothing comes after what is here: the checksum will judge it
                return
            raise _MirrorError(f"HTTP {error.code} {error.reason}") from error
    with response:
        if response.status != 206:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise _MirrorError("it sends another part of the file than was asked for")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total is not None and total > max_bytes:
            raise _MirrorError(f"it announces {total} bytes, more than the {max_bytes} allowed")
        size = _append(response, part, start, total, max_bytes, timeout)
    if size > max_bytes:
        part.unlink()
        raise _MirrorError(f"it sends more than the {max_bytes} bytes allowed")
    if total is not None and size < total:
        raise _MirrorError(f"the connection was cut after {size} of {total} bytes")


def _append(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    max_bytes: int,
    timeout: float,
) -> int:
    """Write the body to `part` from byte `start` on, at most one byte more than allowed; return its size."""
    size = start
    with (
        part.open("ab" if start else "wb") as file,
        tqdm(desc=part.stem, initial=start, total=total, unit="B", unit_scale=True, disable=None, leave=False) as bar,
    ):
        while size <= max_bytes:
            with _network_errors(timeout):
                chunk = response.read(min(CHUNK_BYTES, max_bytes + 1 - size))
            if not chunk:
                break
            size += file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    return size


@contextmanager
def _network_errors(timeout: float) -> Iterator[None]:
    """Whatever the network can raise becomes the reason why this mirror did not deliver."""
    try:
        yield
    except urllib.error.URLError as error:
        raise _MirrorError(error.reason) from error
    except TimeoutError as error:
        raise _MirrorError(f"it was silent for {timeout:g} seconds") from error
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__) from error
