"""A run is a folder: `config.json metrics.jsonl metrics.csv last/ best/ figures/ report.txt`."""

import csv
import dataclasses
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..datasets import Dataset, load_dataset
from ..errors import UserError
from ..files import (
    CONFIG,
    PREPROCESSOR,
    current_folder,
    finish_replacing,
    read_file,
    read_json,
    siblings,
    to_json,
    write_file,
)
from ..vit import VisionTransformer
from .checks import check_epochs, check_preprocessing
from .config import TrainConfig

METRICS = "metrics.jsonl"
RESULTS = (METRICS, "metrics.csv", "last", "best", "figures", "report.txt")  # all but the config


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
        is_run = occupied and _is_run(folder)
        if occupied and not (overwrite and is_run):
            way_out = (
                f"continue it with --resume {folder}, replace it with --overwrite, or choose another --output"
                if is_run
                else "choose another --output"
            )
            raise UserError(f"{folder} is not an empty folder, so no run was started there: {way_out}")
        for name in (*RESULTS, CONFIG) if is_run else ():
            for path in (folder / name, *siblings(folder / name)):
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
    values = read_json(folder / CONFIG)
    if "model" not in values:
        raise UserError(f"{folder / CONFIG} describes no model, so {folder} is no run folder: give one that has run")
    return TrainConfig.from_dict(values)


def _is_run(folder: Path) -> bool:
    try:
        read_run_config(folder)
    except UserError:
        return False
    return True


def write_metrics(folder: Path, epochs: Sequence[dict[str, Any]]) -> None:
    """One line per epoch, as JSON and as a table; both files are replaced whole."""
    write_file(folder / METRICS, "".join(json.dumps(epoch) + "\n" for epoch in epochs).encode())
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(epochs[0]) if epochs else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(epochs)
    write_file(folder / "metrics.csv", table.getvalue().encode())


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """What `write_metrics` wrote; no epochs if there is no such file.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / METRICS
    lines = read_file(path).splitlines() if path.exists() else []
    try:
        epochs = [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}): use another copy, or move it away") from error
    check_epochs(epochs, path)
    return epochs


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
    model = VisionTransformer.from_pretrained(folder)
    path = current_folder(folder) / PREPROCESSOR
    values = read_json(path)
    check_preprocessing(values, path, model.config)
    names, mean, std = values["class_names"], values["image_mean"][0], values["image_std"][0]
    return model, Preprocessing(values["dataset"], tuple(names), float(mean), float(std))


def load_its_dataset(fed: Preprocessing, *, data_dir: str | None = None) -> Dataset:
    """The data set a model was trained on, with the normalisation and the class names that were saved beside it.

    Raises:
        UserError: the data are not there, or have other classes.
    """
    dataset = load_dataset(fed.dataset, data_dir=data_dir)
    if len(dataset.class_names) != len(fed.class_names):
        raise UserError(
            f"{dataset.name} has {len(dataset.class_names)} classes but the model has {len(fed.class_names)}: "
            "give the data it was trained on"
        )
    return dataclasses.replace(dataset, class_names=fed.class_names, mean=fed.mean, std=fed.std)


def run_folder(folder: str | Path) -> Path:
    """Where what is made about a model belongs: beside its checkpoints, which are replaced whole, not into one."""
    place = Path(folder).resolve()
    inside = place.name in ("last", "best") and (place.parent / CONFIG).is_file()
    return place.parent if inside else Path(folder)


def tidy(folder: Path) -> None:
    """Finish what a kill may have interrupted while a checkpoint was taking its place."""
    for name in ("last", "best"):
        finish_replacing(folder / name)
