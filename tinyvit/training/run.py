"""A run is a folder: `config.json metrics.jsonl metrics.csv last/ best/ figures/ report.txt`."""

import csv
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..datasets import Dataset
from ..errors import UserError
from ..files import current_folder, finish_replacing, read_json, to_json, write_file
from ..vit import VisionTransformer
from .config import TrainConfig

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
PARTS = (CONFIG, "metrics.jsonl", "metrics.csv", "last", "best", "figures", "report.txt")


class Preprocessing(NamedTuple):
    """What a model was fed: how its pixels were normalised, and what its classes are called."""

    dataset: str
    class_names: tuple[str, ...]
    mean: float
    std: float


def new_run_folder(config: TrainConfig, *, overwrite: bool = False) -> Path:
    """Make the folder of a new run and write its config there. Nothing that exists is touched unless `overwrite`.

    Raises:
        UserError: the folder holds something and may not be overwritten, or cannot be made.
    """
    folder = Path(config.output) if config.output else _next_free(config.dataset)
    try:
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        if occupied and not (overwrite and (folder / CONFIG).is_file()):
            way_out = (
                f"continue it with --resume {folder}, replace it with --overwrite, or choose another --output"
                if (folder / CONFIG).is_file()
                else "choose another --output"
            )
            raise UserError(f"{folder} is not an empty folder, so no run was started there: {way_out}")
        for name in PARTS if occupied else ():
            for path in (folder / (name + suffix) for suffix in ("", ".writing", ".new", ".old")):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the run folder {folder} ({error.strerror}): choose another --output") from error
    write_file(folder / CONFIG, to_json(config.to_dict()))
    return folder


def _next_free(dataset: str) -> Path:
    number = 1
    while (folder := Path("runs") / f"{dataset}-{number}").exists():
        number += 1
    return folder


def read_run_config(folder: str | Path) -> TrainConfig:
    """The config a run was started with.

    Raises:
        UserError: `folder` is no run.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder} holds no {CONFIG}, so it is no run folder: give a folder that tinyvit train made")
    return TrainConfig.from_dict(read_json(folder / CONFIG))


def write_metrics(folder: Path, epochs: Sequence[dict[str, Any]]) -> None:
    """One line per epoch, as JSON and as a table; both files are replaced whole."""
    write_file(folder / "metrics.jsonl", "".join(json.dumps(epoch) + "\n" for epoch in epochs).encode())
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(epochs[0]) if epochs else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(epochs)
    write_file(folder / "metrics.csv", table.getvalue().encode())


def preprocessor_json(dataset: Dataset, config: TrainConfig) -> bytes:
    """`preprocessor_config.json` in Hugging Face's words, with the class names beside."""
    height, width = config.model.image_shape
    return to_json(
        {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "size": {"height": height, "width": width},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": [dataset.mean] * config.model.in_chans,
            "image_std": [dataset.std] * config.model.in_chans,
            "dataset": dataset.name,
            "class_names": list(dataset.class_names),
        }
    )


def load_trained(folder: str | Path) -> tuple[VisionTransformer, Preprocessing]:
    """The best model of a run, or the model of a checkpoint folder, and what it was fed.

    Raises:
        UserError: there is no model, or it is damaged.
    """
    folder = Path(folder)
    if (best := current_folder(folder / "best")).is_dir():
        folder = best
    if not (current_folder(folder) / PREPROCESSOR).is_file():
        raise UserError(
            f"{folder} holds no trained model (no {PREPROCESSOR}): give a run folder that tinyvit train has "
            "finished at least one epoch of"
        )
    values = read_json(current_folder(folder) / PREPROCESSOR)
    try:
        preprocessing = Preprocessing(
            str(values["dataset"]),
            tuple(map(str, values["class_names"])),
            float(values["image_mean"][0]),
            float(values["image_std"][0]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(f"{folder / PREPROCESSOR} is damaged ({error!r}): use another copy") from error
    return VisionTransformer.from_pretrained(folder), preprocessing


def tidy(folder: Path) -> None:
    """Finish what a kill may have interrupted while a checkpoint was taking its place."""
    for name in ("last", "best"):
        finish_replacing(folder / name)
