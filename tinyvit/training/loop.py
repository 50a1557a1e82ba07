"""The training loop: steps, an evaluation on the dev (validation) split each epoch, checkpoints, a test at the end."""

import math
import time

import numpy as np

from ..backend import Array, keep_freed_memory, one_matrix_thread, resolve_device
from ..config.run import RunConfig
from ..datasets import Dataset
from ..errors import UserError
from ..evaluation.result import Evaluation
from ..storage.claim import check_best
from ..storage.metrics import quality
from ..tasks import task_of
from ..tasks.class_weights import told
from ..tasks.split_answers import split_answers
from .checkpoint import load_checkpoint
from .divergence import diverged, not_finite
from .gradients import Gradients, GradientsLostError
from .history import Best, History
from .interrupts import Interrupts, TrainingInterrupted
from .progress import Progress
from .ranks import Ranks
from .run_files import RunFiles
from .state import build_state, learning_rate, steps_per_epoch
from .step import Step, choose_step

READ_EVERY = 20  # steps between two looks at the loss: looking makes a GPU wait


class Trainer:
    """A run at work; `state` is all that changes."""

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        gradients: Gradients,
        files: RunFiles,
        progress: Progress | None = None,
        ranks: Ranks | None = None,
    ):
        self.config, self.dataset, self.gradients, self.files = config, dataset, gradients, files
        self.progress, self.ranks = progress or Progress(), ranks or Ranks()
        self.task = task_of(config)
        self.steps_per_epoch = steps_per_epoch(config, dataset)
        self.images_per_step = min(config.batch_size, len(dataset.train))
        self.state = build_state(config, gradients.model, gradients.parameters, gradients.lr_scales)
        self.losses: list[Array | float] = []  # of the steps since they were last looked at
        self.last_saved = time.monotonic()

    def load(self) -> None:
        """Go on from the last checkpoint.

        Raises:
            UserError: it is damaged or belongs to another run, or the best epoch's weights are gone.
        """
        try:
            load_checkpoint(self.files.folder / "last", self.state, steps_per_epoch=self.steps_per_epoch)
            check_best(self.files.folder, self.state.epochs)
            self.files.forget_steps_after(self.state.step)
        except BaseException:
            self.gradients.close()
            raise

    def run(self) -> History:
        """Train the epochs that are left, then test the best one."""
        if self.config.class_weights is not None:
            self.progress.note(told(self.config, self.dataset.class_names))
        self.progress.start(
            self.config,
            self.files.folder,
            images_per_epoch=self.steps_per_epoch * self.images_per_step,
            images_done=self.state.step * self.images_per_step,
        )
        keep_freed_memory()
        take_step: Step | None = None
        try:
            # One thread for the matrix library: these products are too small to share, and their bits stay the same.
            # A run that diverges is known by its loss, without NumPy's warnings.
            with Interrupts() as interrupts, one_matrix_thread(), np.errstate(all="ignore"):
                take_step = choose_step(self.config, self.dataset, self.state, self.gradients, self.progress)
                self._train(take_step, interrupts)
        except GradientsLostError as error:
            self._save()
            raise UserError(f"{error}; everything before is saved: {self._way_on()}") from error
        finally:
            self.gradients.close()
            self.progress.stop()
            if take_step is not None:
                take_step.close()
        del take_step
        return self._finish()

    def _train(self, take_step: Step, interrupts: Interrupts) -> None:
        """Every step of every epoch that is left; after each epoch, a look at the dev split."""
        state = self.state
        for epoch in range(len(state.epochs), self.config.epochs):
            end = (epoch + 1) * self.steps_per_epoch
            for step in range(state.step, end):
                self.losses.append(take_step(step))  # gradients of one batch, and one update against them
                state.step = step + 1
                stopping = self.ranks.any(interrupts.requested)
                saving = stopping or time.monotonic() - self.last_saved > self.config.checkpoint_seconds
                looking = saving or len(self.losses) == READ_EVERY or state.step == end
                self.progress.step(self.images_per_step, self._add_up_losses() if looking else None)
                if saving:
                    self._save()
                if stopping:
                    raise TrainingInterrupted(
                        f"stopped in epoch {epoch + 1} after step {state.step}, and everything is saved: "
                        f"{self._way_on()}"
                    )

            self._check()
            model = state.evaluated_model()
            answers = self.gradients.dev_answers(model, state.ema.average if state.ema else None)
            result = self.task.judge(self.config, answers, self.dataset, "dev")
            metrics = self._metrics(result)
            is_best = self.task.keeps == "last" or all(quality(metrics) > quality(earlier) for earlier in state.epochs)
            state.epochs.append(metrics)
            state.loss_sum = 0.0
            self.task.after_epoch(self.config, state.model, self.dataset, epoch, result)
            if is_best:
                self.files.save_best(model)
            self._save()
            self.files.save_metrics(state)
            self.progress.epoch(metrics, is_best)

    def _metrics(self, dev: Evaluation) -> dict[str, float]:
        """The line of an epoch in `metrics.jsonl`.

        Raises:
            UserError: the loss on the dev split is NaN or infinite.
        """
        state = self.state
        if not math.isfinite(dev.loss):
            what = f"the loss on the dev split became {dev.loss} by step {state.step}"
            raise diverged(what, self.config, self.files.folder)
        return {
            "epoch": len(state.epochs) + 1,
            "train_loss": state.loss_sum / self.steps_per_epoch,
            "dev_loss": dev.loss,
            **{f"dev_{name}": value for name, value in dev.measures.items()},
            "lr": learning_rate(self.config, state.step, self.steps_per_epoch),  # of the step that comes next
        }

    def _add_up_losses(self) -> float:
        """Read the losses since the last look into the epoch's sum; returns the mean so far.

        Raises:
            UserError: one of them is NaN or infinite.
        """
        losses = [float(loss) for loss in self.losses]
        self.losses.clear()
        for step, loss in enumerate(losses, self.state.step - len(losses) + 1):
            if not math.isfinite(loss):
                raise diverged(f"the loss became {loss} at step {step}", self.config, self.files.folder)
            self.state.loss_sum += loss
        if losses:
            self.files.add_step(self.state.step, self.state.step / self.steps_per_epoch, sum(losses) / len(losses))
        return self.state.loss_sum / max(1, self.state.step - len(self.state.epochs) * self.steps_per_epoch)

    def _check(self) -> None:
        """A step may have a finite loss and still throw out the weights, or what an optimizer remembers of gradients;
        such a state is never saved.

        Raises:
            UserError: a number is NaN or infinite, or the run's folder is gone.
        """
        if name := not_finite(self.state):
            what = f"{name} became NaN or infinite by step {self.state.step}"
            raise diverged(what, self.config, self.files.folder)
        self.files.check()

    def _save(self) -> None:
        self._add_up_losses()
        self._check()
        self.files.save_last(self.state)
        self.last_saved = time.monotonic()

    def _way_on(self) -> str:
        return f"go on with tinyvit {self.config.verb} --resume {self.files.folder}"

    def _finish(self) -> History:
        """The best epoch's weights meet the test split, once; on rank 0, which tells the others."""
        if self.ranks.rank:
            return self.ranks.from_first(None)
        self.files.check()
        epochs, names = self.state.epochs, self.dataset.class_names
        self.files.save_metrics(self.state)
        del self.state, self.gradients  # of a large model, gradients and moments leave no room for more weights
        model = self.task.load(self.config, self.files.folder).to(resolve_device(self.config.device))
        answers = split_answers(self.task, self.config, model, self.dataset, "test")
        test = self.task.judge(self.config, answers, self.dataset, "test")
        best_epoch = (epochs[-1] if self.task.keeps == "last" else max(epochs, key=quality))["epoch"]
        report = test.report(names)
        head = f"test {test.in_words} (weights of epoch {best_epoch})"
        if self.config.class_weights is not None:
            head += "\n" + told(self.config, names)
        self.files.save_report(f"{head}\n\n{report}\n")
        history = self.ranks.from_first(History(self.files.folder, epochs, best_epoch, test, report))
        return history._replace(best=Best(self.config, model, self.dataset))
