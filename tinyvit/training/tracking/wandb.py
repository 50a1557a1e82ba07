"""Weights & Biases: its project is WANDB_PROJECT, else tinyvit; with WANDB_MODE=offline it needs no account."""

import os
from collections.abc import Mapping

import wandb

from .tracking import Beginning


class WeightsAndBiases:
    """A run of wandb, whose files lie in `wandb/` of the run's folder; offline, each resumption is a folder of the same
    id there, for `wandb sync`.
    """

    def __init__(self, run: Beginning):
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "tinyvit"),
            name=run.folder.name,
            id=run.id,
            resume="allow",
            config=run.config.to_dict(),
            dir=str(run.folder),
            settings=wandb.Settings(console="off"),  # what is printed stays ours
        )
        self.id = self._run.id

    def log(self, values: Mapping[str, float], step: int) -> None:
        if step >= self._run.step:  # steps that a kill undid are known, and come to the same values
            self._run.log(dict(values), step=step)

    def close(self, *, finished: bool) -> None:
        self._run.finish(exit_code=0 if finished else 1)


open_run = WeightsAndBiases
