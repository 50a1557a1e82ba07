"""What a user may give for a model: a path, or a name at huggingface.co."""

import re
from pathlib import Path

from ..errors import UserError
from ..folders import is_there

# "owner/name", "owner/name@revision": nothing in it can lead out of a folder or to another server.
_WORD = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
NAME = re.compile(rf"(?P<repository>{_WORD}/{_WORD})(?:@(?P<revision>{_WORD}(?:/{_WORD})*))?")


def resolve_model(path_or_name: str | Path, *, download: bool = False) -> Path:
    """Where the model lies on this machine: a path that exists is meant as it is.

    Args:
        path_or_name: of a folder or file that `open_source` reads, or "owner/name" or "owner/name@revision".
        download: fetch a name from huggingface.co, unless it has been fetched before.

    Raises:
        UserError: there is no such path and it looks like a name, or as `download_model` does.
    """
    path = Path(path_or_name)
    if path.exists() or is_there(path):
        return path
    if download:
        from .download import download_model  # here, as the network modules are slow to import and rarely needed

        return download_model(str(path_or_name))
    if NAME.fullmatch(str(path_or_name)):
        raise UserError(
            f"{path_or_name} is no folder or file here: check the path, or add --download to get it from huggingface.co"
        )
    return path  # whoever opens it says what is wrong
