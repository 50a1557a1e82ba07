"""The metrics of a run's epochs, in `metrics.jsonl` and as a table in `metrics.csv`, and which epoch is best."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from .checks import check, is_number
from .files import read_file, write_file

METRICS = "metrics.jsonl"
EPOCH_KEYS = {"epoch", "train_loss", "dev_loss", "lr"}  # of every task; the measures of its own stand between them


def measure_of(epoch: Mapping[str, float]) -> str:
    """The name of the measure that decides which epoch is best: the first that is the task's own."""
    return next(name for name in epoch if name not in EPOCH_KEYS)


def measure_in_words(name: str) -> str:
    """dev_accuracy -> "dev accuracy", dev_map -> "dev mAP", dev_miou -> "dev mIoU"."""
    return name.replace("_", " ").replace(" map", " mAP").replace(" miou", " mIoU")


def quality(epoch: Mapping[str, float]) -> tuple[float, float]:
    """Quality of an epoch, larger is better: its measure on the dev split; of equal ones, the smaller loss decides."""
    return epoch[measure_of(epoch)], -epoch["dev_loss"]


def check_epochs(epochs: Any, path: Path) -> None:
    """Check that `epochs`, read from `path`, is a list of the metrics of epochs 1, 2, 3 ...

    Raises:
        UserError: it is not.
    """
    check(isinstance(epochs, list), path, "epochs must be a list", epochs)
    for number, epoch in enumerate(epochs, 1):
        right = (
            isinstance(epoch, dict)
            and epoch.keys() == epochs[0].keys() > EPOCH_KEYS
            and all(map(is_number, epoch.values()))
            and epoch["epoch"] == number
        )
        check(right, path, f"epoch {number} must have its metrics, all finite numbers", epoch)


def write_metrics(folder: Path, epochs: Sequence[dict[str, Any]]) -> None:
    """One line per epoch, as JSON and as a table; both files are replaced whole."""
    write_file(folder / METRICS, "".join(json.dumps(epoch) + "\n" for epoch in epochs).encode())
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(epochs[0]) if epochs else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(epochs)
    write_file(folder / "metrics.csv", table.getvalue().encode())


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Read what `write_metrics` wrote; no epochs if there is no such file.

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
