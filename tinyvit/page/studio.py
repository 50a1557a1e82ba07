"""A studio: a model opened for the page, whatever it has learned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ..errors import UserError
from ..tasks.model_files import read_task_config
from .answer import Answer
from .classifier import Classifier, Note
from .generator import Generator
from .query import Query
from .task_studio import TaskStudio

SHOWN = ("mae", "segment", "detect", "generate")  # tasks besides classification


class Studio(Protocol):
    """A model as the server knows it. Of the routes, and of those that read files, one runs at a time."""

    path: Path
    task: str
    routes: dict[str, Callable[[Query, bytes], Answer]]  # by "METHOD name"
    reading: frozenset[str]  # those that read files, which may take long; meanwhile others may compute

    def about(self) -> dict[str, Any]: ...

    def warm_up(self) -> None:
        """Read what is needed later, while the page is opened; one thread of its own does it."""


def open_studio(path: str | Path, *, device: str = "cpu", note: Note = lambda sentence: None) -> Studio:
    """Open a model for the page.

    Args:
        path: a run, the folder of a model, or a .npz file.
        note: is told what the user should know.

    Raises:
        UserError: there is none, or one that the page cannot show.
    """
    config = read_task_config(path)
    if config is None:
        return Classifier(path, device=device, note=note)
    if config.task not in SHOWN:
        raise UserError(
            f"{path} is a model of the task {config.task}, which the page does not show: give one that names the class "
            f"of an image, or of {', '.join(SHOWN)}"
        )
    if device != "cpu":
        note(f"the page computes models of the task {config.task} on the CPU")
    return Generator(path) if config.task == "generate" else TaskStudio(path, config)
