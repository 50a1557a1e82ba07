"""One file from the first mirror that delivers it: resumable, checked, and put in place all at once."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from ..downloads.fetch import NotDelivered, receive, request
from ..errors import UserError
from ..storage.locks import FileLock

REMEDY = (
    "check the connection and run the same command again (it goes on where it stopped), or put the files "
    "into a folder yourself and name it with the environment variable TINYVIT_DATA"
)


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
        with FileLock(destination.parent, wait=True):
            if destination.exists():  # another process has fetched it while this one waited
                return destination
            for url in urls:
                try:
                    _fetch_verified(url, part, sha256, max_bytes, timeout)
                except NotDelivered as error:
                    reasons.append(f"{url} ({error})")
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
    """Append to `part` what is missing, or start over where the server cannot send a part of a file."""
    start = part.stat().st_size if part.exists() else 0
    response = request(url, start, timeout=timeout)
    if response is not None:
        receive(response, part, start, title=part.stem, max_bytes=max_bytes, timeout=timeout)
