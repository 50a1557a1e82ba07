"""Experiment trackers: the metrics of a run go to TensorBoard, Weights & Biases, Trackio or MLflow, too.

Each is an extra package, imported when it is asked for. The folder of the run stays the truth: a tracker is told what
the progress bar is told, and what goes wrong with it never ends a run.
"""

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...errors import UserError
from ...storage.files import read_json
from ..progress import Progress
from .tracking import TRACKING, Open, Tracking

TRACKERS = ("tensorboard", "wandb", "trackio", "mlflow")  # each a file here, and an extra of the same name


def tracked(progress: Progress | None, names: Iterable[str]) -> Progress:
    """A progress that passes everything on to `progress`, and metrics and losses to the trackers called `names`.

    Raises:
        UserError: there is no such tracker, or its package is not installed.
    """
    openers = {name: _opener(name) for name in dict.fromkeys(names)}
    return Tracking(progress or Progress(), openers) if openers else progress or Progress()


def trackers_of(folder: str | Path) -> Sequence[str]:
    """Names of the trackers that the run in `folder` had when it was last at work.

    Raises:
        UserError: its `tracking.json` is damaged.
    """
    path = Path(folder) / TRACKING
    return [name for name in TRACKERS if name in read_json(path)] if path.exists() else []


def _opener(name: str) -> Open:
    if name not in TRACKERS:
        raise UserError(f"there is no tracker called {name!r}: choose from {', '.join(TRACKERS)}")
    try:
        return importlib.import_module(f".{name}", __name__).open_run
    except Exception as error:  # their imports run much of their code
        raise UserError(
            f"the tracker {name} needs a package that cannot be imported ({str(error)[:200]}): install it with "
            f"python -m pip install 'tinyvit[{name}]', or choose another"
        ) from error
