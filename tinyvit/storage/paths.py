"""A path as a user writes it: `~` is the user's home, if there is one."""

import os
from pathlib import Path

from ..errors import UserError


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with a leading `~` or `~user` in full.

    Raises:
        UserError: there is no such user, or this one has no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"the path {os.fspath(path)} leads to the home of a user that this system does not know: write it in full"
        ) from error


def home() -> Path | None:
    """The user's own folder; None where there is none, as for an unnamed user in a container."""
    try:
        return Path.home()
    except RuntimeError:
        return None
