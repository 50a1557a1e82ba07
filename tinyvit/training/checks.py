"""Validation of what was read from the files of a run: files get damaged, and people edit them."""

from collections.abc import Callable
from pathlib import Path
from reprlib import repr as short
from typing import Any

from ..config import ViTConfig
from ..config.fields import Config
from ..config.run import RunConfig
from ..errors import UserError
from ..storage.checks import check, is_number
from ..storage.metrics import check_epochs

# Settings that a run may go on with, whatever it began with.
FREE_SETTINGS = ("data_dir", "replay_dir", "device", "checkpoint_seconds")
NO_SETTINGS = ("model", "output")  # the checkpoint itself holds the one, and the other is where the run once was


def check_progress(progress: dict[str, Any], path: Path, steps_per_epoch: int) -> None:
    """Check that a run whose epochs have `steps_per_epoch` steps can have come to where `progress` says.

    Raises:
        UserError: it cannot.
    """
    epochs: Any = progress.get("epochs")
    step, loss_sum = progress.get("step"), progress.get("loss_sum")
    check_epochs(epochs, path)
    check(is_number(loss_sum), path, "loss_sum must be a finite number", loss_sum)
    first = len(epochs) * steps_per_epoch
    last = first + steps_per_epoch
    if not (type(step) is int and first <= step <= last):
        raise UserError(
            f"{path} says step {short(step)}, but after {len(epochs)} epochs of {steps_per_epoch} steps it must lie in "
            f"{first}..{last}: resume with the files as the run wrote them, the batch size in the config included"
        )


def check_same_model(run: ViTConfig, saved: ViTConfig, folder: Path) -> None:
    """Whether the config of a run describes the model in its checkpoint `folder`; another would be trained otherwise.

    Raises:
        UserError: a field differs.
    """
    if differing := _differing(run, saved):
        raise UserError(
            f"the run's config.json describes another model than {folder} holds ({', '.join(differing.values())}): "
            "put the config.json back that the run was started with"
        )


def check_same_settings(run: RunConfig, kept: Any, path: Path, note: Callable[[str], None]) -> None:
    """Check that a run goes on with the settings that it began with. What may be others, is told.

    Args:
        kept: the settings of the checkpoint, as read from `path`; None in older ones.

    Raises:
        UserError: others decide how it goes on.
    """
    if kept is None:
        note(f"{path} keeps no settings, so whether config.json is still as the run began cannot be checked.")
        return
    try:
        differing = _differing(run, type(run).from_dict(kept))
    except UserError as error:
        raise UserError(f"{path} is damaged (settings: {error}): use another copy") from error
    for name in NO_SETTINGS:
        differing.pop(name, None)
    if free := [differing.pop(name) for name in FREE_SETTINGS if name in differing]:
        note(f"The run goes on with {', '.join(free)}.")
    if differing:
        raise UserError(
            f"the run's config.json was changed since the run began ({', '.join(differing.values())}): put it back, or "
            "start a new run to change settings"
        )


def _differing(ours: Config, theirs: Config) -> dict[str, str]:
    """The fields that differ, and how, in words."""
    one, other = vars(ours), vars(theirs)
    return {name: f"{name} {one[name]} instead of {other[name]}" for name in one if one[name] != other[name]}
