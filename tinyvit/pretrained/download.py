"""A model of huggingface.co by its name, in a folder that is complete or absent."""

import contextlib
import os
import sys
from pathlib import Path
from urllib.parse import quote

from tqdm.std import tqdm

from ..downloads.cache import needed_cache_folder
from ..errors import UserError
from ..storage.files import CONFIG, PREPROCESSOR, WEIGHTS, read_json, siblings
from ..storage.locks import FileLock
from .families import family_of
from .hub import Repository
from .model_name import NAME
from .weights import INDEX, read_index

PICKLE = "pytorch_model.bin"


def download_model(name: str, *, folder: str | os.PathLike[str] | None = None) -> Path:
    """Fetch `config.json`, `preprocessor_config.json` if there is one, and the weights, in one file or in several.

    The files are gathered beside `folder`, which appears when all are there. Ctrl-C, a cut connection or a full disk
    leave what has arrived, and the next call goes on from there. Nothing is run, and no pickle is fetched.

    Args:
        name: "google/vit-base-patch16-224"; with "@" and a branch, tag or commit behind it if not "main".
        folder: where to; None means the user's cache, where a model that is there already is not asked for again.

    Returns:
        The folder, for `open_checkpoint`.

    Raises:
        UserError: there is no such model, no network, or only a pickle; files are not what the hub announces; or
            `folder` is there already or cannot be written.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise UserError(f"{name!r} is no name of a model: give one like google/vit-base-patch16-224")
    repository, revision = match["repository"], match["revision"] or "main"
    here = f"{repository}@{quote(revision, safe='')}"
    target = needed_cache_folder() / "models" / here if folder is None else Path(folder)
    if target.exists():
        if folder is None:
            return target
        raise UserError(f"{target} is there already and stays as it is: choose a folder to make")
    writing, _, _ = siblings(target)
    try:
        writing.mkdir(parents=True, exist_ok=True)
        with _alone(writing, name):
            if target.exists():  # another process has fetched it while this one waited
                with contextlib.suppress(OSError):
                    writing.rmdir()
                return target
            writing.mkdir(exist_ok=True)
            _fetch_model(Repository(repository, revision, writing))
            writing.rename(target)
    except OSError as error:  # of the disk: those of the network have become sentences
        raise UserError(
            f"{target} could not be written ({error.strerror or error}): free some space or set TINYVIT_CACHE to "
            "another folder, and run the same command again (what has arrived is kept)"
        ) from error
    return target


def _alone(folder: Path, name: str) -> FileLock:
    """The lock of a folder into which one process fetches, and the others wait for it."""
    try:
        return FileLock(folder)
    except BlockingIOError:
        tqdm.write(f"another process is fetching {name}: waiting for it", file=sys.stderr)
        return FileLock(folder, wait=True)


def _fetch_model(repository: Repository) -> None:
    """All files, small ones first: they show whether the large ones are worth fetching."""
    folder, where = repository.folder, f"{repository.name} at {repository.hub}"
    repository.fetch(CONFIG)
    family_of(read_json(folder / CONFIG), where)
    repository.fetch(PREPROCESSOR, optional=True)
    if repository.fetch(WEIGHTS, optional=True):
        return
    if repository.fetch(INDEX, optional=True):
        for file in sorted(set(read_index(folder / INDEX).values())):
            repository.fetch(file)
        return
    what = f"has its weights only as a pickle ({PICKLE})" if repository.has(PICKLE) else "has no weights"
    raise UserError(
        f"{where} {what}: use a model with {WEIGHTS}, as a pickle could run any code when opened and is not fetched"
    )
