"""One run at work: steps, looks at the dev split, checkpoints, and the test at the end."""

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ..backend import Array, array_module, generator, resolve_device, to_device
from ..datasets import Dataset, epoch_order
from ..errors import UserError
from ..files import save_model_folder, write_file
from ..optim import EMA, SGD, AdamW, Optimizer, warmup_cosine
from ..vit import VisionTransformer
from .batch import steps_per_epoch, training_batch
from .checkpoint import TrainingState, save_checkpoint
from .config import TrainConfig
from .evaluate import Evaluation, evaluate
from .interrupts import Interrupts, TrainingInterrupted
from .progress import Progress
from .report import classification_report, confusion_matrix
from .run import PREPROCESSOR, load_trained, preprocessor_json, write_metrics
from .step import train_step

READ_EVERY = 20  # steps between two looks at the loss: looking makes a GPU wait


class History(NamedTuple):
    """What a finished run has to tell."""

    folder: Path
    epochs: list[dict[str, Any]]  # one dict each: epoch, train_loss, dev_loss, dev_accuracy, lr
    best_epoch: int  # 1-based, chosen on the dev split
    test: Evaluation  # of the best epoch's weights
    report: str  # precision, recall and F1 per class on the test split


def build_state(config: TrainConfig) -> TrainingState:
    """A new model, its optimizer and, if asked for, its average, on the config's device."""
    model = VisionTransformer(config.model, rng=generator(config.seed, "init"))
    if (device := resolve_device(config.device)) != "cpu":
        model = model.to(device)
    parameters = model.parameters()
    optimizer: Optimizer
    if config.opt == "adamw":
        optimizer = AdamW(parameters, weight_decay=config.weight_decay)
    else:
        optimizer = SGD(parameters, momentum=config.momentum, weight_decay=config.weight_decay)
    return TrainingState(model, optimizer, EMA(parameters, decay=config.ema_decay) if config.ema_decay else None)


class Trainer:
    """One run at work: `state` is all that changes."""

    def __init__(self, config: TrainConfig, dataset: Dataset, folder: Path, progress: Progress):
        self.config, self.dataset, self.folder, self.progress = config, dataset, folder, progress
        self.device = resolve_device(config.device)
        self.steps = steps_per_epoch(config, dataset)
        self.preprocessor = preprocessor_json(dataset, config)
        self.state = build_state(config)
        self.last_saved = time.monotonic()

    def run(self) -> History:
        """The epochs that are left, then the test."""
        images_per_step = min(self.config.batch_size, len(self.dataset.train))
        self.progress.start(
            self.config,
            self.folder,
            images_per_epoch=self.steps * images_per_step,
            images_done=self.state.step * images_per_step,
        )
        try:
            # One thread for the matrix library: these products are too small to share, and their bits stay the same.
            with Interrupts() as interrupts, threadpool_limits(1, user_api="blas"):
                while len(self.state.epochs) < self.config.epochs:
                    self._train_epoch(interrupts)
                    self._end_epoch()
        finally:
            self.progress.stop()
        return self._finish()

    def _train_epoch(self, interrupts: Interrupts) -> None:
        """The steps that are left of the current epoch."""
        epoch = len(self.state.epochs)
        order = epoch_order(len(self.dataset.train), seed=self.config.seed, epoch=epoch)
        losses: list[Array] = []
        for index in range(self.state.step - epoch * self.steps, self.steps):
            loss, images = self._step(order, index)
            losses.append(loss)
            saving = interrupts.requested or time.monotonic() - self.last_saved > self.config.checkpoint_seconds
            looking = saving or len(losses) == READ_EVERY or index == self.steps - 1
            self.progress.step(images, self._add_up(losses) if looking else None)
            if saving:
                self._save()
            if interrupts.requested:
                raise TrainingInterrupted(
                    f"stopped in epoch {epoch + 1} after step {self.state.step}, and everything is saved: "
                    f"go on with tinyvit train --resume {self.folder}"
                )

    def _step(self, order: np.ndarray, index: int) -> tuple[Array, int]:
        """One step on batch `index` of the epoch; its loss, still on the device, and how many images it had."""
        config, state = self.config, self.state
        rng = generator(config.seed, "step", state.step)
        images, labels = training_batch(config, self.dataset, order, index, rng)
        loss = train_step(
            state.model,
            state.optimizer,
            to_device(images, self.device),
            to_device(labels, self.device),
            lr=self._learning_rate(),
            clip_grad=config.clip_grad,
            label_smoothing=config.label_smoothing,
            rng=rng,
        )
        state.step += 1
        if state.ema is not None:
            state.ema.update(state.step)
        return loss, len(labels)

    def _learning_rate(self) -> float:
        """Of the step that comes next."""
        return warmup_cosine(
            self.state.step,
            lr=self.config.lr,
            min_lr=self.config.min_lr,
            total_steps=self.config.epochs * self.steps,
            warmup_steps=round(self.config.warmup_epochs * self.steps),
        )

    def _add_up(self, losses: list[Array]) -> float:
        """Read the losses since the last look into the epoch's sum; returns the mean so far.

        Raises:
            UserError: one of them is NaN or infinite.
        """
        first = self.state.step - len(losses) + 1
        for step, loss in enumerate(map(float, losses), first):
            if not math.isfinite(loss):
                raise self._diverged(f"the loss became {loss} at step {step}")
            self.state.loss_sum += loss
        losses.clear()
        return self.state.loss_sum / (self.state.step - len(self.state.epochs) * self.steps)

    def _check_weights(self) -> None:
        """A step may have a finite loss and still throw the weights out; such weights are never saved.

        Raises:
            UserError: a weight is NaN or infinite.
        """
        for name, array in self.state.model.parameters().items():
            if not bool(array_module(array).isfinite(array).all()):
                raise self._diverged(f"{name} became NaN or infinite by step {self.state.step}")

    def _diverged(self, what: str) -> UserError:
        saved = self.folder / "last"
        kept = f"the last good checkpoint is {saved}" if saved.is_dir() else "nothing had been saved yet"
        return UserError(
            f"{what}: usually the learning rate is too high (lr {self.config.lr:g}) or gradients are not clipped "
            f"(clip_grad {self.config.clip_grad:g}), sometimes an input holds NaN; {kept}, start again with a lower "
            "--lr or --clip-grad 1"
        )

    def _end_epoch(self) -> None:
        """A look at the dev split, then everything is saved."""
        self._check_weights()
        state = self.state
        model = state.evaluated_model()
        dev = evaluate(model, self.dataset.dev, self.dataset)
        best = all((dev.accuracy, -dev.loss) > (e["dev_accuracy"], -e["dev_loss"]) for e in state.epochs)
        state.epochs.append(
            {
                "epoch": len(state.epochs) + 1,
                "train_loss": state.loss_sum / self.steps,
                "dev_loss": dev.loss,
                "dev_accuracy": dev.accuracy,
                "lr": self._learning_rate(),
            }
        )
        state.loss_sum = 0.0
        if best:
            more = {PREPROCESSOR: self.preprocessor}
            save_model_folder(self.folder / "best", model.config.to_dict(), model.state_dict(), more)
        self._save()
        write_metrics(self.folder, state.epochs)
        self.progress.epoch(state.epochs[-1], best)

    def _save(self) -> None:
        self._check_weights()
        save_checkpoint(self.folder / "last", self.state, self.preprocessor)
        self.last_saved = time.monotonic()

    def _finish(self) -> History:
        """The best epoch's weights meet the test split, once."""
        model, _ = load_trained(self.folder)
        with threadpool_limits(1, user_api="blas"):
            test = evaluate(model.to(self.device), self.dataset.test, self.dataset)
        epochs, names = self.state.epochs, self.dataset.class_names
        best_epoch = max(epochs, key=lambda e: (e["dev_accuracy"], -e["dev_loss"]))["epoch"]
        report = classification_report(confusion_matrix(self.dataset.test.labels, test.predictions, len(names)), names)
        write_metrics(self.folder, epochs)
        headline = f"test accuracy {100 * test.accuracy:.2f} %, loss {test.loss:.4f} (weights of epoch {best_epoch})"
        write_file(self.folder / "report.txt", f"{headline}\n\n{report}\n".encode())
        return History(self.folder, epochs, best_epoch, test, report)
