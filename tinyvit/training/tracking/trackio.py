"""Trackio: Hugging Face's tracker, in a local SQLite file; `trackio show` is its dashboard."""

import os
from collections.abc import Mapping

import trackio

from .tracking import Beginning


class Trackio:
    """A run of Trackio, which finds it again by its name; so a few random letters make that name unique."""

    def __init__(self, run: Beginning):
        self.id = run.id or f"{run.folder.name}-{os.urandom(4).hex()}"
        self._run = trackio.init(
            project=os.environ.get("TRACKIO_PROJECT", "tinyvit"),
            name=self.id,
            resume="allow",
            config=run.config.to_dict(),
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self, *, finished: bool) -> None:
        self._run.finish()


open_run = Trackio
