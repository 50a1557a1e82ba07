"""One file after another from huggingface.co, or where $HF_ENDPOINT says: resumed, and checked by what the hub says.

The hub knows a small file by git's checksum of it (SHA-1) and a large one by its SHA-256. Large ones lie elsewhere: it
redirects there, and on the way gives the checksum as `X-Linked-ETag`. An `ETag` counts only if it is the hub's own.
"""

import contextlib
import hashlib
import json
import os
import re
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ..downloads.fetch import NotDelivered, receive, request
from ..errors import UserError

HUB = "https://huggingface.co"
LOCAL = {"localhost", "127.0.0.1", "::1"}
MAX_BYTES = {".json": 10**7, ".safetensors": 20 * 10**9}  # the hub itself asks for larger weights to be split
TIMEOUT = 30.0  # seconds of silence
CHECKSUM = re.compile(r'(?:W/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?')
COMMIT = re.compile("[0-9a-f]{40}")


class Repository:
    """One revision of a model at the hub, and the folder its files go to.

    Args:
        name: "owner/name".
        revision: branch, tag or commit; from the first answer on, it is the commit that this meant then.
        folder: must be there.

    Raises:
        UserError: $HF_ENDPOINT is no address that can be used.
    """

    def __init__(self, name: str, revision: str, folder: Path) -> None:
        self.name, self.revision, self.folder = name, revision, folder
        self.hub = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
        if not _is_safe(self.hub, self.hub):
            raise UserError(f"HF_ENDPOINT must be an https address, got {self.hub!r}: correct or unset it")

    def fetch(self, file: str, *, optional: bool = False) -> bool:
        """Put `file` into the folder, whole and checked.

        Returns:
            Whether it is there; without `optional` it must be.

        Raises:
            UserError: it cannot be had.
            OSError: it cannot be written.
        """
        return self._attempt(self._fetch, file, optional)

    def has(self, file: str) -> bool:
        """Whether there is such a file, which is not fetched. Errors as for `fetch`."""
        return self._attempt(self._touch, file, True)

    def _attempt(self, how: Callable[[str], None], file: str, optional: bool) -> bool:
        try:
            how(file)
        except NotDelivered as error:
            if optional and _refusal(error) in ((404, ""), (404, "EntryNotFound")):
                return False
            raise UserError(self._sentence(file, error)) from error
        return True

    def _touch(self, file: str) -> None:
        response, _ = self._request(file, 0)
        if response is not None:
            response.close()

    def _fetch(self, file: str) -> None:
        """What has arrived has its checksum in its name, so that nothing of another version comes behind it."""
        target, begun = self.folder / file, next(self.folder.glob(f"{file}.*.part"), None)
        start = begun.stat().st_size if begun else 0
        response, checksum = self._request(file, start)
        part = self.folder / (f"{file}.{checksum}.part" if checksum else f"{file}.part")  # the latter is never resumed
        with response or contextlib.nullcontext():
            if checksum and target.exists() and _is_right(target, checksum):  # an earlier call has fetched it
                return
            if begun in (None, part):
                if response is not None:
                    limit = MAX_BYTES[target.suffix]
                    receive(response, part, start, title=file, max_bytes=limit, timeout=TIMEOUT)
                if not checksum and target.suffix == ".json" and not _is_json(part):
                    part.unlink()
                    raise NotDelivered("what it sends is no JSON, perhaps a page to log in")
                if not checksum or _is_right(part, checksum):
                    os.replace(part, target)
                    return
                part.unlink()
        if begun is None:
            raise NotDelivered("what it sends has not the checksum that it says")
        begun.unlink(missing_ok=True)  # of another version, or damaged
        self._fetch(file)

    def _request(self, file: str, start: int) -> tuple[HTTPResponse | None, str]:
        """The answer from byte `start` on, as of `request`, and the checksum of the whole file; "" if nobody says."""
        url = f"{self.hub}/{self.name}/resolve/{quote(self.revision, safe='')}/{file}"
        redirects = _Redirects(self.hub)
        response = request(url, start, timeout=TIMEOUT, handlers=[redirects])
        said = redirects.said
        linked = [headers.get("X-Linked-ETag", "") for headers in said]
        if response is not None and _is_at(response.url, self.hub):
            said = [*said, response.headers]
            linked += [response.headers.get(name, "") for name in ("X-Linked-ETag", "ETag")]
        commits = [commit for headers in said if COMMIT.fullmatch(commit := headers.get("X-Repo-Commit", ""))]
        self.revision = next(iter(commits), self.revision)
        checksums = [match[1] for etag in linked if (match := CHECKSUM.fullmatch(etag))]
        return response, next(iter(checksums), "")

    def _sentence(self, file: str, error: NotDelivered) -> str:
        """Why `file` could not be had, and what to do."""
        status, code = _refusal(error)
        if code == "GatedRepo" or status == 403:
            return (
                f"{self.name} is gated: its owners want to know who downloads it, so accept their terms at "
                f"{self.hub}/{self.name}, download the files there, and give their folder"
            )
        if code == "RepoNotFound" or status == 401:  # the hub tells nobody which private ones there are
            return f"there is no public model {self.name} at {self.hub}: check the spelling"
        if code == "RevisionNotFound":
            return f"{self.name} at {self.hub} has no revision {self.revision}: check what is behind the @"
        if status == 404:
            return f"there is no {file} of a model {self.name} at {self.hub}: check the spelling, or use another model"
        return (
            f"{file} of {self.name} could not be downloaded from {self.hub} ({error}): check the connection and run "
            "the same command again (it goes on where it stopped), or get the files another way and give their folder"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows where nobody can listen, and keeps the headers of the hub's own answers on the way."""

    def __init__(self, hub: str) -> None:
        self.hub = hub
        self.said: list[Message] = []

    def redirect_request(
        self, asked: urllib.request.Request, answer: Any, code: int, reason: str, headers: Any, url: str
    ) -> urllib.request.Request | None:
        if not _is_safe(url, self.hub):
            raise NotDelivered(f"it redirects to {url}, which is not https")
        if _is_at(asked.full_url, self.hub):
            self.said.append(headers)
        return super().redirect_request(asked, answer, code, reason, headers, url)


def _is_safe(url: str, hub: str) -> bool:
    """Whether it is https, or the hub and it are on this machine, as in a test."""
    try:
        there, host = urlsplit(url), urlsplit(hub).hostname
    except ValueError:
        return False
    is_local = {there.hostname, host} <= LOCAL
    return bool(there.hostname) and (there.scheme == "https" or (there.scheme == "http" and is_local))


def _is_at(url: str, hub: str) -> bool:
    return urlsplit(url).netloc == urlsplit(hub).netloc


def _refusal(error: NotDelivered) -> tuple[int, str]:
    """HTTP's status and the hub's word for it; 0 and "" if there was no answer."""
    return (0, "") if error.answer is None else (error.answer.code, error.answer.headers.get("X-Error-Code", ""))


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _is_right(path: Path, checksum: str) -> bool:
    """Whether a file has this checksum: git's SHA-1 of a blob if it has 40 digits, SHA-256 if 64."""
    if len(checksum) == 40:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    else:
        digest = hashlib.sha256()
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest() == checksum
