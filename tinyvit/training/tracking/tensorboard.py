"""TensorBoard: an event file in the folder of the run; `tensorboard --logdir runs` shows all runs."""

import json
from collections.abc import Mapping

from tensorboardX import SummaryWriter

from .tracking import Beginning

FOLDER = "tensorboard"  # in the run's; also its id


class TensorBoard:
    """Writes what TensorBoard reads; steps that a kill undid are marked as undone."""

    def __init__(self, run: Beginning):
        self.id = FOLDER
        again = run.step + 1 if run.id else None  # the first step that may be there already
        suffix = f".{run.step:09}"  # a file's name begins with the second in which it begins
        self._writer = SummaryWriter(str(run.folder / FOLDER), purge_step=again, flush_secs=10, filename_suffix=suffix)
        if not run.id:
            config = json.dumps(run.config.to_dict(), indent=2)
            self._writer.add_text("config", "```\n" + config + "\n```", 0)  # TensorBoard reads Markdown

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self, *, finished: bool) -> None:
        self._writer.close()


open_run = TensorBoard
