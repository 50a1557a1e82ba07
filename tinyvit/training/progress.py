"""Progress of a run: the interface to which it reports."""

from pathlib import Path
from typing import Any

from ..config.run import RunConfig


class Progress:
    """Says nothing; a subclass (the command line's progress bar, a notebook's plot) overrides what it wants to know."""

    def note(self, sentence: str) -> None:
        """Something the user should know before training begins."""

    def start(self, config: RunConfig, folder: Path, *, images_per_epoch: int, images_done: int) -> None:
        """Training begins, or goes on after `images_done` images."""

    def step(self, images: int, loss: float | None) -> None:
        """A step was done; the loss is given now and then, since reading it makes a GPU wait."""

    def epoch(self, metrics: dict[str, Any], best: bool) -> None:
        """An epoch was finished and evaluated; `best`: better than all before on the dev split."""

    def stop(self) -> None:
        """No more steps will come, whatever the reason."""
