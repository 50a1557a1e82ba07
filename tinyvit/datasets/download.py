"""Fetch one file from the first mirror that delivers it: resumed where it was cut, named if its SHA-256 is right."""

import contextlib
import hashlib
import http.client
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

from tqdm.std import tqdm

from ..errors import UserError, one_line
from ..storage.locks import FileLock

CHUNK_BYTES = 65536
MIN_BYTES = 4096  # of a body, in each timeout
REMEDY = (
    "check the connection and run the same command again (it goes on where it stopped), or put the files "
    "into a folder yourself and name it with the environment variable TINYVIT_DATA"
)


class NotDelivered(Exception):
    """Why a mirror did not deliver; another one, or the next attempt, may."""


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
        timeout: the longest silence to wait through, in seconds; a body must bring `MIN_BYTES` in each such time.

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
        with FileLock(destination.parent, wait=True):
            if destination.exists():  # another process has fetched it while this one waited
                return destination
            for url in urls:
                try:
                    _fetch_verified(url, part, sha256, max_bytes, timeout)
                except NotDelivered as error:
                    reasons.append(f"{url} ({one_line(error)})")
                else:
                    os.replace(part, destination)
                    return destination
    except OSError as error:  # those of the network have become NotDelivered: this one is about the disk
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
        raise NotDelivered("the file it sends has the wrong checksum")
    _fetch_verified(url, part, sha256, max_bytes, timeout)


def _fetch(url: str, part: Path, max_bytes: int, timeout: float) -> None:
    """Append to `part` what is missing, flushed to the disk, or start over where the server sends all of it."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "tinyvit"} | ({"Range": f"bytes={start}-"} if start else {})
    with _network_errors(timeout):
        try:
            response = _opened(urllib.request.Request(url, headers=headers), timeout)
        except urllib.error.HTTPError as error:
            if error.code == 416 and start:  # nothing comes after this byte: the checksum must judge what is here
                error.close()
                return
            raise
    with response:
        if response.status != 206:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise NotDelivered("it sends another part of the file than was asked for")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total is not None and total > max_bytes:
            raise NotDelivered(f"it announces {total} bytes, more than the {max_bytes} allowed")
        size = start
        with (
            part.open("ab" if start else "wb") as file,
            tqdm(
                desc=part.stem, initial=start, total=total, unit="B", unit_scale=True, disable=None, leave=False
            ) as bar,
        ):
            for chunk in _chunks(response, timeout):
                size += file.write(chunk)
                bar.update(len(chunk))
                if size > max_bytes:
                    break
            file.flush()
            os.fsync(file.fileno())
    if size > max_bytes:
        part.unlink()
        raise NotDelivered(f"it sends more than the {max_bytes} bytes allowed")
    if total is not None and size < total:
        raise NotDelivered(f"the connection was cut after {size} of {total} bytes")


def _opened(request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
    """The response, its headers read, within `timeout` in all: a socket's own timeout starts anew with each byte.

    Raises:
        TimeoutError: it has not come; the thread that waits for it ends with the process at the latest.
    """
    answer: Future[http.client.HTTPResponse] = Future()

    def ask() -> None:
        try:
            response = urllib.request.urlopen(request, timeout=timeout)
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(response)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(timeout)
    except TimeoutError:
        answer.add_done_callback(_close)
        raise


def _close(answer: Future[http.client.HTTPResponse]) -> None:
    """Close a response that nothing waits for any more."""
    if not answer.exception():
        answer.result().close()


def _chunks(response: http.client.HTTPResponse, timeout: float) -> Iterator[bytes]:
    """The body as it comes, as long as each `timeout` seconds bring `MIN_BYTES`."""
    since, received = time.monotonic(), 0
    with _network_errors(timeout):
        while chunk := response.read1(CHUNK_BYTES):
            received += len(chunk)
            if time.monotonic() - since > timeout:
                if received < MIN_BYTES:
                    raise TimeoutError
                since, received = time.monotonic(), 0
            yield chunk


@contextlib.contextmanager
def _network_errors(timeout: float) -> Iterator[None]:
    """Whatever the network can raise becomes the reason why a mirror did not deliver."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise NotDelivered(f"HTTP {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise NotDelivered(f"it sent less than {MIN_BYTES} bytes in {timeout:g} seconds") from error
    except urllib.error.URLError as error:
        raise NotDelivered(error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirect to what is no address
        raise NotDelivered(str(error) or type(error).__name__) from error
