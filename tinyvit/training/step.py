"""One step of training: the gradients of a batch, clipping, the optimizer's update."""

from collections.abc import Mapping
from typing import Any, Protocol

from ..backend import Array, resolve_device
from ..config.run import RunConfig
from ..datasets import Dataset
from ..optim import Optimizer, clip_by_global_norm
from ..tasks import loss_and_gradients
from ..vit import VisionTransformer
from .gradients import Gradients
from .progress import Progress
from .state import TrainingState, learning_rate, steps_per_epoch


class Step(Protocol):
    """A step of a run: `TrainingStep`, or on a GPU its twin of fused kernels, `fused.FusedTraining`."""

    def __call__(self, step: int) -> Array | float:
        """Do step number `step` of the run; returns the loss before the update."""
        ...

    def close(self) -> None:
        """No more steps."""
        ...


class TrainingStep:
    """The step of every run on plain ops, with gradients by one process, workers, ranks, or threads.

    Args:
        state: of the run; its model, optimizer and average are changed in place.
        steps_per_epoch: with which the learning rate falls.
    """

    def __init__(self, config: RunConfig, state: TrainingState, gradients: Gradients, steps_per_epoch: int):
        self.config, self.state, self.gradients = config, state, gradients
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step: int) -> Array | float:
        """Forward, loss and backward of the batch of this step, then one update against its gradient."""
        loss = self.gradients.compute(step)
        lr = learning_rate(self.config, step, self.steps_per_epoch)
        update(self.state.optimizer, self.gradients.grads, lr=lr, clip_grad=self.config.clip_grad)
        if self.state.ema is not None:
            self.state.ema.update(step + 1)
        return loss

    def close(self) -> None:
        """Nothing to end."""


def choose_step(
    config: RunConfig, dataset: Dataset, state: TrainingState, gradients: Gradients, progress: Progress
) -> Step:
    """The steps of a run on its device; notes on the choice go to `progress`."""
    if resolve_device(config.device) != "cpu":
        from .fused import fused_step

        if fused := fused_step(config, dataset, state, gradients, progress):
            return fused
    elif config.precision != "fp32":  # a run that began on a GPU
        progress.note(f"Matrix products are in fp32 from here on: {config.precision} is for GPUs.")
    return TrainingStep(config, state, gradients, steps_per_epoch(config, dataset))


def train_step(
    model: VisionTransformer,
    optimizer: Optimizer,
    images: Array,
    labels: Array,
    *,
    lr: float,
    clip_grad: float = 0.0,
    label_smoothing: float = 0.0,
    rng: Any = None,
) -> Array:
    """One training step on images (B, C, H, W) and labels (B,) in memory; returns the loss before it (0-d)."""
    loss, grads = loss_and_gradients(model, images, labels, label_smoothing=label_smoothing, rng=rng)
    update(optimizer, grads, lr=lr, clip_grad=clip_grad)
    return loss


def update(optimizer: Optimizer, grads: Mapping[str, Array], *, lr: float, clip_grad: float = 0.0) -> None:
    """Change the weights by one step against the gradient, clipped to a norm of `clip_grad` if it is not 0."""
    if clip_grad:
        clip_by_global_norm(grads, clip_grad)
    optimizer.step(grads, lr=lr)
