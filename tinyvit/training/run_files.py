"""The files of a run at work: checkpoints, the best model, metrics, the report. Rank 0 writes them, for all."""

from pathlib import Path

from ..config.run import RunConfig
from ..datasets import Dataset
from ..evaluation.preprocessing import preprocessor_json
from ..images.processor import ImageProcessor
from ..layers import Layer
from ..pretrained import MULTI_LABEL
from ..storage.claim import Claim, check_best
from ..storage.files import PREPROCESSOR, write_file
from ..storage.metrics import write_metrics
from ..storage.steps import Step, append_step, forget_steps_after
from ..tasks.model_files import save_model
from .checkpoint import save_checkpoint
from .ranks import Ranks
from .state import TrainingState


class RunFiles:
    """The folder of a run, and what is written there; nothing, by ranks other than 0.

    Args:
        settings: the config as the run was started with, which checkpoints keep.
        processor: what makes arrays of image files; without one, they are resized and normalised as the data set says.
        preprocessor: the `preprocessor_config.json` of the models, where there is one already.
        claim: of the folder; without one, it is not looked whether it stays where it is.
    """

    def __init__(
        self,
        folder: Path,
        settings: RunConfig,
        dataset: Dataset,
        processor: ImageProcessor | None = None,
        *,
        preprocessor: bytes | None = None,
        ranks: Ranks | None = None,
        claim: Claim | None = None,
    ):
        self.folder, self.settings, self.dataset, self.claim = folder, settings, dataset, claim
        self._processor, self._preprocessor = processor, preprocessor
        self.writes = (ranks or Ranks()).rank == 0
        self._names = dataset.class_names, MULTI_LABEL if dataset.multi_label else None  # as models' files say it

    @property
    def preprocessor(self) -> bytes:
        """The `preprocessor_config.json` of the models."""
        if self._preprocessor is None:
            self._preprocessor = preprocessor_json(self.dataset, self.settings, self._processor)
        return self._preprocessor

    def check(self) -> None:
        """Check that the folder is still where it was.

        Raises:
            UserError: it was moved, deleted or replaced.
        """
        if self.claim is not None:
            self.claim.check(self.settings.verb)

    def save_last(self, state: TrainingState) -> None:
        """Everything that the run needs to go on."""
        if self.writes:
            save_checkpoint(self.folder / "last", state, self.settings, self.preprocessor, *self._names)
            check_best(self.folder, state.epochs)

    def save_best(self, model: Layer) -> None:
        """The model of the best epoch so far."""
        if self.writes:
            more = {PREPROCESSOR: self.preprocessor}
            save_model(self.folder / "best", self.settings, model, more, *self._names)

    def save_metrics(self, state: TrainingState) -> None:
        """The metrics of all epochs so far."""
        if self.writes:
            write_metrics(self.folder, state.epochs)

    def add_step(self, step: int, epoch: float, loss: float) -> None:
        """Note the mean loss of the last steps, for those who watch the run; `epoch` counts parts of epochs, too."""
        if self.writes:
            append_step(self.folder, Step(step, epoch, loss))

    def forget_steps_after(self, last: int) -> None:
        """Drop notes on steps that are done again, as the run goes on from step `last`."""
        if self.writes:
            forget_steps_after(self.folder, last)

    def save_report(self, text: str) -> None:
        """Save the report of the best epoch on the test split."""
        if self.writes:
            write_file(self.folder / "report.txt", text.encode())
