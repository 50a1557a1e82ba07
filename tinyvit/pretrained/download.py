"""A model of huggingface.co by its name: config, preprocessor and safetensors, and never a pickle."""

from pathlib import Path
from urllib.parse import quote

from ..errors import UserError
from ..storage.files import CONFIG, PREPROCESSOR, WEIGHTS, read_json
from ..storage.paths import cache_folder
from .families import family_of
from .hub import Repository, is_installed, is_offline
from .model_name import NAME
from .preprocessor import PROCESSOR
from .weights import INDEX, read_index

OPTIONAL = (PROCESSOR, PREPROCESSOR)
PICKLE = "pytorch_model.bin"


def download_model(name: str) -> Path:
    """Fetch `config.json`, what is there of `OPTIONAL`, and the weights, in one file or in several.

    They go to the cache of `huggingface_hub`; a model that is there, complete, is not asked for again. Ctrl-C, a cut
    connection or a full disk leave no file that is not whole. Nothing is run, and no pickle is fetched.

    Args:
        name: "google/vit-base-patch16-224"; with "@" and a branch, tag or commit behind it if not "main".

    Returns:
        The folder, for `open_checkpoint`.

    Raises:
        UserError: `huggingface_hub` is not installed, there is no such model, no network, or only a pickle; files are
            not what the hub announces, or cannot be written.
    """
    if folder := cached_model(name, complete=True):
        return folder
    if not is_installed():
        raise UserError(
            f"to fetch {name}, install huggingface_hub: python -m pip install 'huggingface_hub>=1.5,<2' (the extra hub "
            "of tinyvit), or get its files another way and give their folder"
        )
    return _fetch_model(Repository(*_split(name)))


def cached_model(name: str, *, complete: bool = False) -> Path | None:
    """The folder of a model that has been fetched to this machine, by us or others; the network is not asked.

    Args:
        name: as of `download_model`.
        complete: None, too, if the hub was never asked for the files of `OPTIONAL`; offline, it cannot be asked.

    Returns:
        The folder, for `open_checkpoint`; None if there is none with weights.

    Raises:
        UserError: it is no name of a model, or its index of weights is damaged.
    """
    repository, revision = _split(name)
    earlier = cache_folder()  # where tinyvit 0.1 kept models
    if earlier and (folder := earlier / "models" / f"{repository}@{quote(revision, safe='')}").is_dir():
        return folder
    if not is_installed():
        return None
    hub = Repository(repository, revision)
    config = hub.cached(CONFIG)
    if config is None or (complete and not is_offline() and not all(map(hub.is_known, OPTIONAL))):
        return None
    folder = config.parent
    index = folder / INDEX
    weights = {WEIGHTS} if (folder / WEIGHTS).exists() or not index.exists() else set(read_index(index).values())
    return folder if all((folder / file).exists() for file in weights) else None


def _split(name: str) -> tuple[str, str]:
    """Repository and revision."""
    match = NAME.fullmatch(name)
    if match is None:
        raise UserError(f"{name!r} is no name of a model: give one like google/vit-base-patch16-224")
    return match["repository"], match["revision"] or "main"


def _fetch_model(hub: Repository) -> Path:
    """The folder of all files, small ones first: they show whether the large ones are worth fetching."""
    config, where = hub.fetch(CONFIG), f"{hub.name} at {hub.url}"
    if config is None:
        raise UserError(f"there is no {CONFIG} of a model {where}: check the spelling, or use another model")
    family_of(read_json(config), where)
    for file in OPTIONAL:
        hub.fetch(file)
    if hub.fetch(WEIGHTS):
        return config.parent
    if index := hub.fetch(INDEX):
        for file in sorted(set(read_index(index).values())):
            if hub.fetch(file) is None:
                raise UserError(f"{where} has no {file}, which its {INDEX} names: use another model")
        return config.parent
    what = f"has its weights only as a pickle ({PICKLE})" if hub.has(PICKLE) else "has no weights"
    raise UserError(
        f"{where} {what}: use a model with {WEIGHTS}, as a pickle could run any code when opened and is not fetched"
    )
