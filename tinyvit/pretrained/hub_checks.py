"""Checks of what a hub of models says and sends: sizes and redirects before a download, checksums afterwards."""

import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOCAL = {"localhost", "127.0.0.1", "::1"}
MAX_BYTES = {".json": 10**7, ".safetensors": 20 * 10**9}  # the hub itself asks for larger weights to be split
CHECKSUM = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


class NotDelivered(Exception):
    """Refusal of what a server says or sends."""


def check_metadata(said: Any, file: str, hub: str) -> None:
    """Check that what is said of `file` is what the hub would say.

    Args:
        said: `huggingface_hub.HfFileMetadata`.
        hub: its address.

    Raises:
        NotDelivered: it is not.
    """
    if said.commit_hash is None or said.etag is None:
        raise NotDelivered("it does not answer as huggingface.co does, perhaps with a page to log in")
    limit = MAX_BYTES[Path(file).suffix]
    if (said.size or 0) > limit:
        raise NotDelivered(f"it announces {said.size} bytes, more than the {limit} allowed")
    if not is_safe(said.location, hub):
        raise NotDelivered(f"it redirects to {said.location}, which is not https")


def is_safe(url: str, hub: str) -> bool:
    """Whether it is https, or the hub and it are on this machine, as in a test."""
    try:
        there, host = urlsplit(url), urlsplit(hub).hostname
    except ValueError:
        return False
    is_local = {there.hostname, host} <= LOCAL
    return bool(there.hostname) and (there.scheme == "https" or (there.scheme == "http" and is_local))


def is_right(path: Path, etag: str) -> bool:
    """Whether a file is the one that its ETag means: git's SHA-1 of a small one, the SHA-256 of a large one.

    An ETag that is neither says nothing, and the file passes: its length has been compared.
    """
    if not CHECKSUM.fullmatch(etag):
        return True
    if len(etag) == 40:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    else:
        digest = hashlib.sha256()
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest() == etag
