"""The table of records, `RECORDS.md`: figures that are kept, the command that measures each, rows with their date."""

import datetime
import statistics
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..errors import UserError
from ..storage.files import read_file, write_file
from .runs import WholeRun, time_ratios
from .task_runs import all_tasks

FILE = Path(__file__).with_name("RECORDS.md")
COLUMNS = "| Date | What | Result | Seeds | Machine | Version | Command |\n|---|---|---|---|---|---|---|\n"


class Record(NamedTuple):
    """A figure that is kept, and how it is measured."""

    what: str
    flags: str  # of `tinyvit bench`
    figures: Callable[[Mapping[str, Any]], tuple[str, str]]  # of what that gives: the result, and the seeds


def record(name: str) -> Record:
    """The record of this name.

    Raises:
        UserError: there is none.
    """
    found = records()
    if name not in found:
        raise UserError(f"there is no record {name!r}: choose from {', '.join(found)}")
    return found[name]


def records() -> dict[str, Record]:
    """Everything that can be recorded, by name."""
    return {
        "default": Record("MNIST, default recipe", "--runs 3", accuracies),
        "fast": Record("MNIST, recipe fast", "--runs 5 --recipe fast --baseline default", accuracies),
        "best": Record("MNIST, recipe best", "--runs 5 --recipe best", accuracies),
        "speed": Record("patch 7, batch 128, against eager PyTorch", "--against torch", ratios),
        "speed-256": Record("patch 7, batch 256, against eager PyTorch", "--against torch --batch-size 256", ratios),
        "speed-patch-4": Record("patch 4, batch 128, against eager PyTorch", "--against torch --patch-size 4", ratios),
        "sizes": Record("MNIST, recipe fast, models of many sizes", "--sizes --recipe fast", by_size),
        **{task: Record(f"task {task}, default recipe", f"--tasks {task}", measures) for task in all_tasks()},
    }


def row(name: str, result: Mapping[str, Any], machine: str) -> str:
    """A line of the table, of what `tinyvit bench` measured today."""
    kept = record(name)
    figures, seeds = kept.figures(result)
    today = datetime.date.today().isoformat()
    command = f"`tinyvit bench --record {name}`, which is `tinyvit bench {kept.flags}`"
    return f"| {today} | {kept.what} | {figures} | {seeds} | {machine} | {_version()} | {command} |\n"


def read_table(file: Path = FILE) -> str:
    """The text of the file with the table.

    Raises:
        UserError: it is not there, as in an installation that is no clone, or is none of ours.
    """
    if not file.is_file():
        raise UserError(f"there is no {file} to add a row to: records are kept in a clone of the repository")
    text = read_file(file).decode(errors="replace")
    if COLUMNS not in text:
        raise UserError(f"{file} has no table with the columns of a record: get it again with git checkout")
    return text


def append(line: str, file: Path = FILE) -> None:
    """Add a row at the end of the table.

    Raises:
        UserError: as `read_table`, or the file cannot be written.
    """
    write_file(file, (read_table(file).rstrip("\n") + "\n" + line).encode())


def accuracies(result: Mapping[str, Any]) -> tuple[str, str]:
    """Test accuracy and time of whole runs, and how many times that of a baseline it is."""
    runs = [run for run in result["runs"] if run["side"] == "tinyvit"]
    seconds = statistics.mean(run["seconds"] for run in runs)
    spread = _spread([run["accuracy"] for run in runs], "{:.2f}")
    ratios = time_ratios([WholeRun(**run) for run in result["runs"]])
    beside = "".join(f", {ratio:.2f} of the time of {side}" for side, ratio in ratios.items())
    return f"test accuracy {spread} %; {seconds:.0f} s a run{beside}", _seeds(runs)


def by_size(result: Mapping[str, Any]) -> tuple[str, str]:
    """Test accuracy for each number of parameters."""
    runs = result["runs"]
    texts = []
    for size in sorted({run["parameters"] for run in runs}):
        spread = _spread([run["accuracy"] for run in runs if run["parameters"] == size], "{:.2f}")
        texts.append(f"{size:,} parameters {spread} %")
    return ", ".join(texts), _seeds(runs)


def measures(result: Mapping[str, Any]) -> tuple[str, str]:
    """Measures on the test split, minutes and parameters of each kind of run that a task has."""
    texts = []
    for name in dict.fromkeys(run["name"] for run in result["runs"]):
        runs = [run for run in result["runs"] if run["name"] == name]
        values = ", ".join(f"{key} {_spread([run['measures'][key] for run in runs])}" for key in runs[0]["measures"])
        minutes = statistics.mean(run["seconds"] for run in runs) / 60
        texts.append(f"{name}: {values}; {minutes:.1f} min, {runs[0]['parameters']:,} parameters")
    return "; ".join(texts), _seeds(result["runs"])


def ratios(result: Mapping[str, Any]) -> tuple[str, str]:
    """Time and memory, tinyvit's over PyTorch's."""
    pairs = {what: [series["median"] for series in sides.values()] for what, sides in result["seconds"].items()}
    pairs["peak memory"] = list(result["peak_mebibytes"].values())
    return ", ".join(f"{what} {ours / theirs:.2f}" for what, (ours, theirs) in pairs.items()), ""


def _spread(values: list[float], form: str = "{:.4f}") -> str:
    mean = form.format(statistics.mean(values))
    return f"{mean} ± {form.format(statistics.stdev(values))}" if len(values) > 1 else mean


def _seeds(runs: list[Mapping[str, Any]]) -> str:
    return ", ".join(str(seed) for seed in sorted({run["seed"] for run in runs}))


def _version() -> str:
    """The release, and where git knows it the commit; rows added since are no change of the code."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changes = _git("status", "--porcelain", "-uno", ":/", f":(exclude){FILE.name}")
        return f"{__version__}, {commit}{'-dirty' if changes else ''}"
    except (OSError, subprocess.CalledProcessError):
        return __version__


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=FILE.parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()
