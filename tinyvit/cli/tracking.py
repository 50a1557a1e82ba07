"""`--track tensorboard,wandb,trackio,mlflow`: experiment trackers beside the progress bar."""

import argparse
from collections.abc import Sequence
from typing import Any

from ..errors import UserError
from .bar import progress_bar
from .output import say


def progress_of(options: argparse.Namespace) -> Any:
    """The progress bar, and behind it the trackers that `--track` names; without it, a run that goes on has its own.

    Raises:
        UserError: a tracker that was asked for cannot be had.
    """
    from ..training.tracking import tracked

    bar = progress_bar()
    if options.track is not None or not options.resume:
        return tracked(bar, options.track or ())
    for name in _before(options.resume):
        try:
            bar = tracked(bar, [name])
        except UserError as error:
            say(f"{name} no longer follows this run, which goes on without it: {error}")
    return bar


def _before(folder: str) -> Sequence[str]:
    from ..training.tracking import trackers_of

    try:
        return trackers_of(folder)
    except UserError as error:
        say(f"no tracker follows this run, which goes on without: {error}")
        return ()
