"""Divergence of a run, its values beyond the range of floats: how it is detected, and what is told."""

from pathlib import Path

from ..backend import array_module
from ..config.run import RunConfig
from ..errors import UserError
from .state import TrainingState


def not_finite(state: TrainingState) -> str | None:
    """The first thing in a run's state that holds NaN or an infinite number; None if there is none."""
    moments = {f"the optimizer's {slot}": arrays.vector for slot, arrays in state.optimizer.state.items()}
    average = {} if state.ema is None else {"the average of the weights": state.ema.average.vector}
    for name, array in (state.model.parameters() | moments | average).items():
        if not bool(array_module(array).isfinite(array).all()):
            return name
    return None


def diverged(what: str, config: RunConfig, folder: Path) -> UserError:
    """Error that says what happened, why, what of the run in `folder` is left, and what to do."""
    saved = folder / "last"
    kept = f"the last good checkpoint is {saved}" if saved.is_dir() else "nothing had been saved yet"
    return UserError(
        f"{what}: usually the learning rate is too high (lr {config.lr:g}) or gradients are not clipped "
        f"(clip_grad {config.clip_grad:g}), sometimes an input holds NaN; {kept}, start again with a lower "
        "--lr or --clip-grad 1"
    )
