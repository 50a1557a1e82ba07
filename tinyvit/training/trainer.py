"""One run at work: steps, looks at the dev split, checkpoints, and the test at the end."""

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Array, keep_freed_memory, one_matrix_thread, resolve_device
from ..datasets import Dataset
from ..errors import UserError
from ..optim import clip_by_global_norm
from ..pretrained import MULTI_LABEL, save_model_folder
from ..storage.files import PREPROCESSOR, write_file
from .batch import steps_per_epoch
from .checkpoint import load_checkpoint, save_checkpoint
from .claim import Claim, check_best
from .class_weights import told
from .divergence import diverged, not_finite
from .evaluate import evaluate, judge
from .fused import FusedTraining, fused_training
from .history import History
from .interrupts import Interrupts, TrainingInterrupted
from .measures import quality
from .parallel import Ranks, Team, WorkerLostError
from .progress import Progress
from .run import preprocessor_json, write_metrics
from .state import build_model, build_state, learning_rate
from .trained import load_trained

READ_EVERY = 20  # steps between two looks at the loss: looking makes a GPU wait


class Trainer:
    """One run at work: `state` is all that changes."""

    def __init__(
        self,
        config: Any,  # RunConfig
        dataset: Dataset,
        folder: Path,
        progress: Progress,
        ranks: Ranks | None = None,
        *,
        team: Any = None,
        preprocessor: bytes | None = None,
        settings: Any = None,  # RunConfig
    ):
        """Without a `team`, one is made for a new model and `ranks`; without a `preprocessor`, the data set's is;
        `settings`, which checkpoints keep, are the config before it followed the device.
        """
        self.settings = settings or config
        self.config, self.dataset, self.folder, self.progress = config, dataset, folder, progress
        self.ranks = ranks or Ranks()
        self.team = team or Team(config, dataset, build_model(config), self.ranks)
        self.preprocessor = preprocessor or preprocessor_json(dataset, config)
        self.named = dataset.class_names, MULTI_LABEL if dataset.multi_label else None  # as the models' files say it
        self.steps = steps_per_epoch(config, dataset)
        self.images_per_step = min(config.batch_size, len(dataset.train))
        self.state = build_state(config, self.team.model, self.team.parameters, self.team.lr_scales)
        self.fused: FusedTraining | None = None
        self.losses: list[Array | float] = []  # of the steps since they were last looked at
        self.last_saved = time.monotonic()
        self.claim: Claim | None = None

    def load(self) -> None:
        """Go on from the last checkpoint.

        Raises:
            UserError: it is damaged or belongs to another run, or the best epoch's weights are gone.
        """
        try:
            load_checkpoint(self.folder / "last", self.state, steps_per_epoch=self.steps)
            check_best(self.folder, self.state.epochs)
        except BaseException:
            self.team.close()
            raise

    def run(self, claim: Claim | None = None) -> History:
        """The epochs that are left, then the test; where the folder was claimed, as long as it stays where it is."""
        self.claim = claim
        for sentence in told(self.config, self.dataset.class_names):
            self.progress.note(sentence)
        self.progress.start(
            self.config,
            self.folder,
            images_per_epoch=self.steps * self.images_per_step,
            images_done=self.state.step * self.images_per_step,
        )
        keep_freed_memory()
        try:
            # One thread for the matrix library: these products are too small to share, and their bits stay the same.
            # A run that diverges is known by its loss, without NumPy's warnings.
            with Interrupts() as interrupts, one_matrix_thread(), np.errstate(all="ignore"):
                self.fused = fused_training(
                    self.config, self.dataset, self.state, self.team.parameters, self.team.grads, self.progress
                )
                while len(self.state.epochs) < self.config.epochs:
                    self._train_epoch(interrupts)
                    self._end_epoch()
        except WorkerLostError as error:
            self._save()
            raise UserError(f"{error}; everything before is saved: {self._way_on()}") from error
        finally:
            self.team.close()
            self.progress.stop()
            if self.fused is not None:
                self.fused.close()
        return self.ranks.from_first(self._finish() if self.ranks.rank == 0 else None)

    def _train_epoch(self, interrupts: Interrupts) -> None:
        """The steps that are left of the current epoch."""
        epoch = len(self.state.epochs)
        for index in range(self.state.step - epoch * self.steps, self.steps):
            self._step()
            stopping = self.ranks.any(interrupts.requested)
            saving = stopping or time.monotonic() - self.last_saved > self.config.checkpoint_seconds
            looking = saving or len(self.losses) == READ_EVERY or index == self.steps - 1
            self.progress.step(self.images_per_step, self._add_up_losses() if looking else None)
            if saving:
                self._save()
            if stopping:
                raise TrainingInterrupted(
                    f"stopped in epoch {epoch + 1} after step {self.state.step}, and everything is saved: "
                    f"{self._way_on()}"
                )

    def _step(self) -> None:
        """Gradients of one batch, and one step against them."""
        state = self.state
        if self.fused is not None:
            self.losses.append(self.fused())
            return
        self.losses.append(self.team.gradients(state.step))
        if self.config.clip_grad:
            clip_by_global_norm(self.team.grads, self.config.clip_grad)
        state.optimizer.step(self.team.grads, lr=self._learning_rate())
        state.step += 1
        if state.ema is not None:
            state.ema.update(state.step)

    def _way_on(self) -> str:
        return f"go on with tinyvit {self.config.verb} --resume {self.folder}"

    def _learning_rate(self) -> float:
        """Of the step that comes next."""
        return learning_rate(self.config, self.state.step, self.steps)

    def _add_up_losses(self) -> float:
        """Read the losses since the last look into the epoch's sum; returns the mean so far.

        Raises:
            UserError: one of them is NaN or infinite.
        """
        first = self.state.step - len(self.losses) + 1
        for step, loss in enumerate(map(float, self.losses), first):
            if not math.isfinite(loss):
                raise diverged(f"the loss became {loss} at step {step}", self.config, self.folder)
            self.state.loss_sum += loss
        self.losses.clear()
        return self.state.loss_sum / max(1, self.state.step - len(self.state.epochs) * self.steps)

    def _check_state(self) -> None:
        """A step may have a finite loss and still throw out the weights, or what an optimizer remembers of gradients;
        such a state is never saved.

        Raises:
            UserError: a number is NaN or infinite.
        """
        if name := not_finite(self.state):
            raise diverged(f"{name} became NaN or infinite by step {self.state.step}", self.config, self.folder)

    def _check_claim(self) -> None:
        if self.claim is not None:
            self.claim.check(self.config.verb)

    def _end_epoch(self) -> None:
        """A look at the dev split, then everything is saved."""
        self._check_state()
        self._check_claim()
        state, model = self.state, self.state.evaluated_model()
        dev = judge(self.team.dev_probs(model, state.ema.average if state.ema else None), self.dataset.dev.labels)
        if not math.isfinite(dev.loss):
            what = f"the loss on the dev split became {dev.loss} by step {state.step}"
            raise diverged(what, self.config, self.folder)
        epoch = {
            "epoch": len(state.epochs) + 1,
            "train_loss": state.loss_sum / self.steps,
            "dev_loss": dev.loss,
            **dev.measures,
            "lr": self._learning_rate(),
        }
        best = all(quality(epoch) > quality(earlier) for earlier in state.epochs)
        state.epochs.append(epoch)
        state.loss_sum = 0.0
        if best and self.ranks.rank == 0:
            more = {PREPROCESSOR: self.preprocessor}
            place = self.folder / "best"
            save_model_folder(place, model.config, model.parameters(), more, *self.named, keep_others=True)
        self._save()
        if self.ranks.rank == 0:
            write_metrics(self.folder, state.epochs)
        self.progress.epoch(state.epochs[-1], best)

    def _save(self) -> None:
        self._add_up_losses()
        self._check_state()
        self._check_claim()
        if self.ranks.rank == 0:
            save_checkpoint(self.folder / "last", self.state, self.settings, self.preprocessor, *self.named)
            check_best(self.folder, self.state.epochs)
        self.last_saved = time.monotonic()

    def _finish(self) -> History:
        """The best epoch's weights meet the test split, once."""
        self._check_claim()
        epochs, names = self.state.epochs, self.dataset.class_names
        del self.state, self.team, self.fused  # of a large model, gradients and moments leave no room for more weights
        model, fed = load_trained(self.folder)
        model = model.to(resolve_device(self.config.device))
        with one_matrix_thread():
            test = evaluate(model, self.dataset.test, self.dataset, threshold=fed.threshold)
        best_epoch = max(epochs, key=quality)["epoch"]
        report = test.report(self.dataset.test.labels, names)
        write_metrics(self.folder, epochs)
        head = "\n".join([f"test {test.in_words} (weights of epoch {best_epoch})", *told(self.config, names)])
        write_file(self.folder / "report.txt", f"{head}\n\n{report}\n".encode())
        return History(self.folder, epochs, best_epoch, test, report)
