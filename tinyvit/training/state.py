"""State of a run, all that changes while it goes on; how it is built, and the learning rate of each step."""

import dataclasses
from typing import Any

from ..backend import generator, resolve_device
from ..config.run import RunConfig
from ..datasets import Dataset
from ..layers import NO_DRAWS, Layer
from ..optim import EMA, SGD, AdamW, FlatArrays, Muon, Optimizer, warmup_cosine
from ..tasks import task_of

# Optimizers by the config's `opt`, and those of the config's fields that are options of each.
OPTIMIZERS: dict[str, tuple[type[Optimizer], tuple[str, ...]]] = {
    "adamw": (AdamW, ("weight_decay",)),
    "muon": (Muon, ("momentum", "weight_decay")),
    "sgd": (SGD, ("momentum", "nesterov", "weight_decay")),
}


@dataclasses.dataclass
class TrainingState:
    """State of a run: all that changes while it goes on."""

    model: Layer
    optimizer: Optimizer
    ema: EMA | None
    step: int = 0  # steps done since the start of the run
    loss_sum: float = 0.0  # of the steps done in the current epoch
    epochs: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # the metrics of finished epochs

    def evaluated_model(self) -> Layer:
        """The model whose quality counts: the one with the averaged weights, if there is an average."""
        if self.ema is None:
            return self.model
        model = self.model.astype(self.model.dtype)
        model.load_state_dict(self.ema.average, strict=False)  # an average of what learns; the rest is as it was
        return model


def build_model(config: RunConfig, *, to_fill: bool = False) -> Layer:
    """A new model, on the config's device; `to_fill`: of zeros, into which a checkpoint will be read."""
    model = task_of(config).build(config, NO_DRAWS if to_fill else generator(config.seed, "init"))
    device = resolve_device(config.device)
    return model if device == "cpu" else model.to(device)


def build_state(
    config: RunConfig, model: Layer, parameters: FlatArrays, lr_scales: dict[str, float] | None = None
) -> TrainingState:
    """The state of a new run: an optimizer for the parameters that learn and, if asked for, their average."""
    kind, names = OPTIMIZERS[config.opt]
    options: dict[str, Any] = {name: getattr(config, name) for name in names}
    optimizer = kind(parameters, lr_scales=lr_scales, **options)
    return TrainingState(model, optimizer, EMA(parameters, decay=config.ema_decay) if config.ema_decay else None)


def learning_rate(config: RunConfig, step: int, steps_per_epoch: int) -> float:
    """The learning rate of step 0, 1, 2 ... of a run: warm-up, then a cosine; `lr_scales` multiply it per parameter."""
    return warmup_cosine(
        step,
        lr=config.lr,
        min_lr=config.min_lr,
        total_steps=config.epochs * steps_per_epoch,
        warmup_steps=round(config.warmup_epochs * steps_per_epoch),
    )


def steps_per_epoch(config: RunConfig, dataset: Dataset) -> int:
    """Full batches in an epoch; which images are left over changes from epoch to epoch."""
    return max(1, task_of(config).epoch_size(config, dataset) // config.batch_size)
