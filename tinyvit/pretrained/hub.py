"""Download of files from huggingface.co by `huggingface_hub`, into the cache that all its users share.

That library knows mirrors (`HF_ENDPOINT`), tokens, offline mode (`HF_HUB_OFFLINE`) and the cache (`HF_HOME`,
`HF_HUB_CACHE`); it resumes, and locks. What it does not look at, `hub_checks` does.
"""

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import UserError, one_line
from ..storage.paths import home
from .hub_checks import NotDelivered, check_metadata, is_right, is_safe

FROM, BELOW = (1, 5), (2, 0)  # versions: 1.0 does not get over every cut connection, 2 raises not httpx's errors
PLACES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


class Repository:
    """One revision of a model at the hub.

    Args:
        name: "owner/name".
        revision: branch, tag or commit. When a file has been fetched it becomes the commit that this meant then, so
            that all files are of one version.

    Raises:
        UserError: there is no place for a cache, or $HF_ENDPOINT is no address that can be used.
    """

    def __init__(self, name: str, revision: str) -> None:
        try:
            from huggingface_hub import constants
        except ValueError as error:
            raise UserError(
                f"huggingface_hub cannot be used ({one_line(error)}): correct or unset the environment variables HF_..."
            ) from error
        if not home() and not any(os.environ.get(each) for each in PLACES):
            raise UserError(
                "there is no place for models, as this user has no home: set the environment variable HF_HOME to a "
                "folder that can be written"
            )
        self.name, self.revision, self.url = name, revision, constants.ENDPOINT
        if not is_safe(self.url, self.url):
            raise UserError(f"HF_ENDPOINT must be an https address, got {self.url!r}: correct or unset it")

    def cached(self, file: str) -> Path | None:
        """The path of `file` in the cache. Errors as for `is_known`."""
        found = self._in_cache(file)
        return Path(found) if isinstance(found, str) else None

    def is_known(self, file: str) -> bool:
        """Whether `file` is in the cache, or that the model has none.

        Raises:
            UserError: the cache cannot be read.
        """
        return self._in_cache(file) is not None

    def _in_cache(self, file: str) -> Any:
        """A path, the library's word for what does not exist, or None where nothing is known."""
        from huggingface_hub import try_to_load_from_cache

        try:
            return try_to_load_from_cache(self.name, file, revision=self.revision)
        except (OSError, ValueError) as error:
            raise UserError(
                f"the cache of huggingface.co cannot be read ({one_line(error)}): set HF_HOME to another folder, or "
                f"give one with the files of {self.name}"
            ) from error

    def fetch(self, file: str) -> Path | None:
        """The path of `file` in the cache, whole and checked; None if the model has no such file.

        Raises:
            UserError: it cannot be had, or cannot be written.
        """
        from huggingface_hub import hf_hub_download

        with self._sentences(file):
            there = self._metadata(file)
            if there is None:
                with contextlib.suppress(OSError):  # it fails, and keeps in mind that there is no such file
                    hf_hub_download(self.name, file, revision=self.revision)
                return None
            check_metadata(there, file, self.url)
            for _ in ("of the cache, perhaps damaged", "of the hub"):
                path = Path(hf_hub_download(self.name, file, revision=self.revision))
                if is_right(path, there.etag):
                    self.revision = path.parent.name
                    return path
                for wrong in (path.resolve(), path):  # a link and what it leads to
                    wrong.unlink(missing_ok=True)
            raise NotDelivered("what it sends has not the checksum that it says")

    def has(self, file: str) -> bool:
        """Whether there is such a file, which is not fetched. Errors as for `fetch`."""
        with self._sentences(file):
            return self._metadata(file) is not None

    def _metadata(self, file: str) -> Any:
        """Metadata of `file` on the hub: etag, size, location; None if there is no such file."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        try:
            return get_hf_file_metadata(hf_hub_url(self.name, file, revision=self.revision))
        except OSError as error:
            if _is_absent(error):
                return None
            raise

    @contextlib.contextmanager
    def _sentences(self, file: str) -> Iterator[None]:
        """Whatever the network, the hub or the disk can raise becomes one sentence."""
        import httpx

        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Not enough free disk space")  # the sentence says so
                yield
        except (OSError, NotDelivered, httpx.HTTPError, httpx.InvalidURL, ValueError, RuntimeError) as error:
            raise UserError(self._sentence(file, error)) from error

    def _sentence(self, file: str, error: Exception) -> str:
        """Why `file` could not be had, and what to do."""
        from huggingface_hub import errors

        status = _status(error)
        if isinstance(error, errors.OfflineModeIsEnabled):
            return (
                f"{file} of {self.name} is not in the cache of huggingface.co and HF_HUB_OFFLINE is set: unset it to "
                "download the model, or get its files another way and give their folder"
            )
        if isinstance(error, errors.GatedRepoError) or status == 403:
            return (
                f"{self.name} is gated: its owners want to know who downloads it, so accept their terms at "
                f"{self.url}/{self.name} and log in with hf auth login, or give a folder with its files"
            )
        if isinstance(error, errors.RepositoryNotFoundError) or status == 401:  # private ones are never named
            return (
                f"there is no public model {self.name} at {self.url}: check the spelling, or log in with hf auth login "
                "for one of your own"
            )
        if isinstance(error, errors.RevisionNotFoundError):
            return f"{self.name} at {self.url} has no revision {self.revision}: check what is behind the @"
        if isinstance(error, OSError) and error.errno is not None:
            return (
                f"{file} of {self.name} could not be written ({error.strerror or one_line(error)}): free some space or "
                "set HF_HOME to another folder, and run the same command again"
            )
        return (
            f"{file} of {self.name} could not be downloaded from {self.url} ({one_line(error)}): check the connection "
            "and run the same command again, or get the files another way and give their folder"
        )


def is_installed() -> bool:
    """Whether there is a `huggingface_hub` that can be asked."""
    try:
        major, minor = re.findall(r"\d+", metadata.version("huggingface_hub"))[:2]
    except metadata.PackageNotFoundError:
        return False
    return FROM <= (int(major), int(minor)) < BELOW


def is_offline() -> bool:
    """Whether `HF_HUB_OFFLINE` forbids asking."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _status(error: Exception) -> int:
    """HTTP's status; 0 if the error is no answer."""
    return getattr(getattr(error, "response", None), "status_code", 0)


def _is_absent(error: Exception) -> bool:
    """Whether the model is there and the file is not."""
    from huggingface_hub import errors

    missing = (errors.RepositoryNotFoundError, errors.RevisionNotFoundError)
    return _status(error) == 404 and not isinstance(error, missing)
