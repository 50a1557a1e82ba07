"""One answer of a server, appended to what an earlier one left: what has arrived is kept, whatever happens next."""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm.std import tqdm

from ..errors import one_line
from .pace import LEAST_BYTES, PacedHTTP, PacedHTTPS

CHUNK_BYTES = 65536


class NotDelivered(Exception):
    """Why a server did not deliver; another one, or the next attempt, may.

    Args:
        reason: in words, some of which may be the server's.
        answer: the server's, if it was one that refuses.
    """

    def __init__(self, reason: object, answer: urllib.error.HTTPError | None = None) -> None:
        super().__init__(one_line(reason))
        self.answer = answer


def request(
    url: str, start: int, *, timeout: float, handlers: Sequence[urllib.request.BaseHandler] = ()
) -> http.client.HTTPResponse | None:
    """Ask for a file from byte `start` on. None if nothing comes after that byte: a checksum must judge what is here.

    Args:
        timeout: the longest silence to wait through, in seconds; in this time some thousand bytes must come, too.
        handlers: of redirects, for example; those of urllib if none is given.

    Raises:
        NotDelivered: there is no such server, or it refuses.
    """
    headers = {"User-Agent": "tinyvit"} | ({"Range": f"bytes={start}-"} if start else {})
    with network_errors(timeout):
        try:
            opener = urllib.request.build_opener(PacedHTTP, PacedHTTPS, *handlers)
            return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and start:
                return None
            raise NotDelivered(f"HTTP {error.code} {error.reason}", error) from error


def receive(
    response: http.client.HTTPResponse, part: Path, start: int, *, title: str, max_bytes: int, timeout: float
) -> None:
    """Append the answer of `request` to the `start` bytes in `part`; a server that sends all of it starts over.

    Args:
        title: what the progress bar says.
        max_bytes: the server may not send more than this.

    Raises:
        NotDelivered: it sends something else, too much or too little.
        OSError: `part` cannot be written.
    """
    with response:
        if response.status != 206:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise NotDelivered("it sends another part of the file than was asked for")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total is not None and total > max_bytes:
            raise NotDelivered(f"it announces {total} bytes, more than the {max_bytes} allowed")
        size = _append(response, part, start, total, title, max_bytes, timeout)
    if size > max_bytes:
        part.unlink()
        raise NotDelivered(f"it sends more than the {max_bytes} bytes allowed")
    if total is not None and size < total:
        raise NotDelivered(f"the connection was cut after {size} of {total} bytes")


def _append(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    title: str,
    max_bytes: int,
    timeout: float,
) -> int:
    """Write the body to `part` from byte `start` on, at most one byte more than allowed; return its size."""
    size = start
    with (
        part.open("ab" if start else "wb") as file,
        tqdm(desc=title, initial=start, total=total, unit="B", unit_scale=True, disable=None, leave=False) as bar,
    ):
        while size <= max_bytes:
            with network_errors(timeout):
                chunk = response.read1(min(CHUNK_BYTES, max_bytes + 1 - size))
            if not chunk:
                break
            size += file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    return size


@contextmanager
def network_errors(timeout: float) -> Iterator[None]:
    """Whatever the network can raise becomes the reason why a server did not deliver."""
    try:
        yield
    except urllib.error.URLError as error:
        raise NotDelivered(error.reason) from error
    except TimeoutError as error:
        raise NotDelivered(f"it sent less than {LEAST_BYTES} bytes in {timeout:g} seconds") from error
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirect to what is no address
        raise NotDelivered(str(error) or type(error).__name__) from error
