"""Resolve what a user gives for a model: a path, or a name at huggingface.co."""

from pathlib import Path

from ..errors import UserError
from ..storage.files import read_file
from ..storage.folders import is_there
from .model_name import NAME


def resolve_model(path_or_name: str | Path, *, download: bool = False) -> Path:
    """Path of the model on this machine: a path that exists is meant as it is, but for `snapshot_of`; a name is
    looked for in the cache of huggingface.co.

    Args:
        path_or_name: of a folder or file that `open_checkpoint` reads, or "owner/name" or "owner/name@revision".
        download: fetch what is not there.

    Raises:
        UserError: there is no such path and it looks like a name, or as `download_model` does.
    """
    path = Path(path_or_name)
    if path.exists() or is_there(path):
        return snapshot_of(path)
    from .download import cached_model, download_model  # here, as what they import is slow and rarely needed

    if download:
        return download_model(str(path_or_name))
    if not NAME.fullmatch(str(path_or_name)):
        return path  # opening it says what is wrong
    if folder := cached_model(str(path_or_name)):
        return folder
    raise UserError(
        f"{path_or_name} is no folder or file here: check the path, or add --download to get it from huggingface.co"
    )


def snapshot_of(path: Path) -> Path:
    """Of a model in the cache of huggingface.co, a folder models--OWNER--NAME, the folder of the files that its main
    branch stands at, or of the only ones there are; any other path is what it was.

    Raises:
        UserError: no such files are there, or it cannot be told which are meant.
    """
    folder = path.parent if path.name == "snapshots" else path
    if not folder.name.startswith("models--") or not (folder / "snapshots").is_dir():
        return path
    snapshots = sorted(place for place in (folder / "snapshots").iterdir() if place.is_dir())
    main = folder / "refs" / "main"
    commit = read_file(main).decode("ascii", "replace").strip() if main.is_file() else ""
    meant = [place for place in snapshots if place.name == commit] or snapshots
    if not meant:
        raise UserError(f"{path} is a cache of huggingface.co with nothing in it: download the model again")
    if len(meant) > 1:
        raise UserError(
            f"{path} is a cache of huggingface.co with {len(meant)} snapshots, and none is called main: give one of "
            f"them, like {meant[0]}"
        )
    return meant[0]
