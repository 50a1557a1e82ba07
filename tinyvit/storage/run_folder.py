"""Layout of a run folder: `config.json metrics.jsonl metrics.csv steps.jsonl last/ best/ figures/ report.txt`, and
`pictures.json` or `arrays.json`.
"""

import itertools
import os
import shutil
from pathlib import Path

from ..backend import resolve_device
from ..config.run import RunConfig
from ..config.tasks import config_of
from ..errors import UserError
from .claim import Claim
from .files import CONFIG, disk_errors, read_json, replacing, siblings, to_json
from .folders import finish_replacing
from .metrics import METRICS
from .steps import STEPS

IMAGE_LIST = "pictures.json"  # what a run learns from, if that is images, see `datasets/recorded_images`
ARRAYS = "arrays.json"  # the same of arrays, see `datasets/recorded_arrays`
TRACKING = "tracking.json"  # by which id trackers know the run, see `training/tracking`
REPLAY_LIST = "replay.json"  # images of classes known before, in a run that adds classes
REPLAY, TEACHER = "replay", "teacher"  # folders of such images, if they lay in no files, and of the model of before
RESULTS = (
    IMAGE_LIST,
    ARRAYS,
    REPLAY_LIST,
    REPLAY,
    TEACHER,
    METRICS,
    "metrics.csv",
    STEPS,
    "last",
    "best",
    "figures",
    "report.txt",
    TRACKING,
    "tensorboard",
    "wandb",
)  # not config.json


def new_run_folder(config: RunConfig, *, overwrite: bool = False) -> Path:
    """Make the folder of a new run and write its config there. Nothing that exists is touched unless `overwrite`.

    Raises:
        UserError: the folder holds something and may not be overwritten, or cannot be made; or a precision was asked
            for that is not there on a CPU.
    """
    if config.precision != "fp32" and resolve_device(config.device) == "cpu":
        raise UserError(f"--precision {config.precision} is for GPUs, and this run is on the CPU: leave it out")
    try:
        folder = Path(config.output) if config.output else new_numbered(config.dataset_name)
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        is_run = occupied and _is_run(folder)
        if occupied and not (overwrite and is_run):
            way_out = (
                f"continue it with --resume {folder}, replace it with --overwrite, or choose another --output"
                if is_run
                else "choose another --output"
            )
            raise UserError(f"{folder} is not an empty folder, so no run was started there: {way_out}")
        if is_run:
            with Claim(folder):
                _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        place = config.output or "runs"
        raise UserError(f"cannot make the run folder {place} ({error.strerror}): choose another --output") from error
    with replacing(folder / CONFIG) as file, disk_errors(folder / CONFIG):
        if (folder / CONFIG).exists():
            raise UserError(f"another process has just started a run in {folder}: choose another --output")
        file.write(to_json(config.to_dict()))
    return folder


def new_numbered(name: str) -> Path:
    """Make a new folder `runs/<name>-<number>`, also where several runs begin at once."""
    numbers = itertools.count(1)
    while True:
        folder = Path("runs") / f"{name}-{next(numbers)}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not os.path.lexists(folder):
                raise  # it is `runs` that is in the way
        else:
            return folder


def _clear(folder: Path) -> None:
    """Delete all of a run."""
    for name in (*RESULTS, CONFIG):
        for path in (folder / name, *siblings(folder / name)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def read_run_config(folder: str | Path) -> RunConfig:
    """The config a run was started with.

    Raises:
        UserError: `folder` is no run.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder} holds no {CONFIG}, so it is no run folder: give a folder that tinyvit train made")
    values = read_json(folder / CONFIG)
    if "model" not in values:
        raise UserError(f"{folder / CONFIG} describes no model, so {folder} is no run folder: give one that has run")
    return config_of(values)


def _is_run(folder: Path) -> bool:
    try:
        read_run_config(folder)
    except UserError:
        return False
    return True


def run_folder(folder: str | Path) -> Path:
    """Folder for what is made about a model: beside its checkpoints, which are replaced whole, not in one."""
    place = Path(folder).resolve()
    place = place.parent if place.suffix == ".safetensors" else place
    inside = place.name in ("last", "best") and (place.parent / CONFIG).is_file()
    return place.parent if inside else Path(folder)


def figures_folder(path: str | Path) -> Path:
    """Folder for figures about a model: in its run or folder, or beside its file."""
    place = run_folder(path)
    return (place if place.is_dir() else place.parent) / "figures"


def run_data_dir(path: str | Path) -> str | None:
    """The folder of data that the run of a model was started with, if it is a run's and was given one."""
    try:
        return read_run_config(run_folder(path)).data_dir
    except UserError:
        return None


def tidy(folder: Path) -> None:
    """Finish what a kill may have interrupted while a checkpoint was taking its place, and what it left of a figure."""
    for name in ("last", "best"):
        finish_replacing(folder / name)
    for half_drawn in (folder / "figures").glob(".*.tinyvit-writing"):
        half_drawn.unlink(missing_ok=True)
