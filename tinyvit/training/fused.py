"""Training on a GPU by fused kernels (`tinyvit/gpu`) where there are some, else by the plain ops."""

from typing import Any

import numpy as np

from ..backend import Array, generator, resolve_device, set_matmul_precision
from ..config.run import RunConfig, TrainConfig
from ..datasets import Dataset, epoch_order
from ..datasets.batches import training_maps
from ..gpu import CudaDevice, Device, FusedStep, FusedUpdate, GraphedStep, per_number, reason_against
from ..optim import AdamW, FlatArrays
from .gradients import Gradients
from .progress import Progress
from .state import TrainingState, learning_rate, steps_per_epoch


def fused_step(
    config: RunConfig, dataset: Dataset, state: TrainingState, gradients: Gradients, progress: Progress
) -> "FusedTraining | None":
    """The steps of a run on a GPU by fused kernels; None where plain ops do them, as none of the kernels fit."""
    set_matmul_precision(config.precision)  # of the plain ops; the dev split is looked at with them in any case
    reason = _reason_against(config, state)
    if reason is None and isinstance(config, TrainConfig) and isinstance(state.optimizer, AdamW):
        device = CudaDevice(config.model, precision=config.precision, device=resolve_device(config.device))
        arrays = gradients.parameters, gradients.grads
        return FusedTraining(device, config, dataset, state, state.optimizer, *arrays, progress)
    if config.kernels == "auto":
        progress.note(f"Plain ops are used, not the faster fused kernels: {reason}.")
    return None


def _reason_against(config: RunConfig, state: TrainingState) -> str | None:
    """Why a run cannot use fused kernels."""
    if config.kernels == "plain":
        return "plain ones were asked for"
    if not isinstance(config, TrainConfig):
        return "there are none for images that come from files"
    if config.task != "classify":
        return f"there are none for the task {config.task}"
    if config.class_weights is not None:
        return "there are none for weights of classes"
    if config.augment == "affine" and config.elastic:
        return "there are none for elastic distortion"
    if config.distributed:
        return "the batch is shared among ranks"
    if type(state.optimizer) is not AdamW:
        return f"there are none for {config.opt}"
    if 0 < config.micro_batch < config.batch_size:
        return "they take a whole batch at once, and fewer images were asked for"
    return reason_against(config.model, state.model.dtype)


class FusedTraining:
    """The twin of `step.TrainingStep` on the device: images lie there, and each epoch's order and maps are sent.

    All random choices are made on the host, by the generators that make them for the CPU: a run sees the same batches
    on every device.
    """

    def __init__(
        self,
        device: Device,
        config: TrainConfig,
        dataset: Dataset,
        state: TrainingState,
        optimizer: AdamW,
        parameters: FlatArrays,
        grads: FlatArrays,
        progress: Progress,
    ):
        xp = device.xp
        model: Any = state.model  # a VisionTransformer
        self.device, self.config, self.dataset, self.state, self.progress = device, config, dataset, state, progress
        self.steps = steps_per_epoch(config, dataset)
        self.batch_size = min(config.batch_size, len(dataset.train))
        channels = (config.model.in_chans,)
        mean, std = (np.broadcast_to(np.asarray(x, np.float64), channels) for x in (dataset.mean, dataset.std))
        self._images = xp.asarray(np.ascontiguousarray(dataset.train.images[:]))
        self._labels = xp.asarray(dataset.train.labels.astype(np.int32))
        self._factors = xp.asarray((1 / (255 * std)).astype(np.float32))
        self._offsets = xp.asarray((mean / std).astype(np.float32))
        self._order = xp.zeros(self.steps * self.batch_size, np.int32)
        self._maps = xp.zeros((self.steps * self.batch_size, 2, 3), np.float32)
        self._epoch = -1

        positions = None
        if config.model.pos_embed != "learned":
            positions = xp.ascontiguousarray(model.sincos.astype(np.float32))
        self.step = FusedStep(
            device,
            config.model,
            parameters,
            grads,
            batch_size=self.batch_size,
            label_smoothing=config.label_smoothing,
            positions=positions,
        )
        self.update = FusedUpdate(
            device,
            optimizer,
            parameters,
            grads,
            rates=[learning_rate(config, step, self.steps) for step in range(config.epochs * self.steps)],
            clip_grad=config.clip_grad,
            ema=state.ema,
        )
        self.update.step.fill(state.step)
        self._graph = GraphedStep(device, self._run)

    def __call__(self, step: int) -> Array:
        """Do step number `step` of the run; returns its loss (0-d), on the device."""
        if step // self.steps != self._epoch:
            self._epoch = step // self.steps
            self._send_epoch()
        self._graph()
        if self._graph.fallback is not None:
            self.progress.note(f"The step runs launch by launch, as it cannot be recorded: {self._graph.fallback}")
            self._graph.fallback = None
        self.state.optimizer.steps = step + 1
        return self.update.losses[step]

    def close(self) -> None:
        """No more steps."""
        self.device.close()

    def _run(self) -> None:
        """Run the recorded step, from pixels to new weights."""
        batch = self.step.batch
        self.device.launch(
            "augment_patchify",
            *per_number(batch.patches.size),
            *(self._images, self._labels, self._order, self._maps, self._factors, self._offsets, self.update.step),
            *(batch.patches, batch.labels, self.batch_size, self.steps, self.config.augment != "none"),
        )
        self.step.gradients()
        self.update.run(self.step.loss)

    def _send_epoch(self) -> None:
        """Send an epoch to the device: the order of the images, and how each is augmented."""
        config, epoch = self.config, self._epoch
        order = epoch_order(len(self.dataset.train), seed=config.seed, epoch=epoch)[: len(self._order)]
        self._order[...] = self.device.xp.asarray(order.astype(np.int32))
        if config.augment != "none":
            first = epoch * self.steps
            maps = [
                training_maps(config, self.batch_size, generator(config.seed, "step", step))
                for step in range(first, first + self.steps)
            ]
            self._maps[...] = self.device.xp.asarray(np.concatenate(maps).astype(np.float32))
