"""What was read from the files of a run, looked at before it is used: files get damaged, and people edit them."""

import sys
from collections.abc import Callable
from pathlib import Path
from reprlib import repr as short
from typing import Any

from ..config import ViTConfig
from ..config.fields import Config
from ..datasets.sources import SOURCES
from ..errors import UserError
from .config import RunConfig
from .measures import MEASURES

FREE_SETTINGS = ("data_dir", "device", "checkpoint_seconds")  # that a run may go on with, whatever it began with
NO_SETTINGS = ("model", "output")  # the checkpoint itself holds the one, and the other is where the run once was
EPOCH_KEYS = {"epoch", "train_loss", "dev_loss", "lr"}  # and a measure


def check_epochs(epochs: Any, path: Path) -> None:
    """Whether `epochs`, read from `path`, is a list of the metrics of epochs 1, 2, 3 ...

    Raises:
        UserError: it is not.
    """
    _check(isinstance(epochs, list), path, "epochs must be a list", epochs)
    for number, epoch in enumerate(epochs, 1):
        right = (
            isinstance(epoch, dict)
            and epoch.keys() == epochs[0].keys() >= EPOCH_KEYS
            and not MEASURES.keys().isdisjoint(epoch)
            and all(map(_is_number, epoch.values()))
            and epoch["epoch"] == number
        )
        _check(right, path, f"epoch {number} must have its metrics, all finite numbers", epoch)


def check_progress(progress: dict[str, Any], path: Path, steps_per_epoch: int) -> None:
    """Whether a run whose epochs have `steps_per_epoch` steps can have come to where `progress` says.

    Raises:
        UserError: it cannot.
    """
    epochs: Any = progress.get("epochs")
    step, loss_sum = progress.get("step"), progress.get("loss_sum")
    check_epochs(epochs, path)
    _check(_is_number(loss_sum), path, "loss_sum must be a finite number", loss_sum)
    first = len(epochs) * steps_per_epoch
    last = first + steps_per_epoch
    if not (type(step) is int and first <= step <= last):
        raise UserError(
            f"{path} says step {short(step)}, but after {len(epochs)} epochs of {steps_per_epoch} steps it must lie in "
            f"{first}..{last}: resume with the files as the run wrote them, the batch size in the config included"
        )


def check_preprocessing(values: dict[str, Any], path: Path, model: ViTConfig) -> None:
    """Whether pixels can be normalised and classes be named as `values` says.

    Raises:
        UserError: something is missing, makes no sense, or does not fit the model.
    """
    for key, count, wanted, is_right in (
        ("class_names", model.num_classes, f"{model.num_classes} names", _is_text),
        ("image_mean", model.in_chans, "a number from 0 to 1 for each channel", lambda x: _is_number(x, 0, 1)),
        ("image_std", model.in_chans, "a number from 0.0001 to 1 for each channel", lambda x: _is_number(x, 1e-4, 1)),
    ):
        entries = values.get(key)
        right = isinstance(entries, list) and len(entries) == count and all(map(is_right, entries))
        _check(right, path, f"{key} must be {wanted}", entries)
    threshold = values.get("threshold", 0.5)
    _check(_is_number(threshold, 0, 1), path, "threshold must be a probability", threshold)
    name, built_in = values.get("dataset"), values.get("built_in", False)
    _check(_is_text(name), path, "dataset must be a name", name)
    _check(isinstance(built_in, bool), path, "built_in must be true or false", built_in)
    known = not built_in or name in SOURCES
    _check(known, path, f"dataset must be one of {', '.join(SOURCES)} where built_in is true", name)


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
    """Whether a run goes on with the settings that it began with. What may be others, is told.

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


def _check(right: bool, path: Path, wanted: str, got: Any) -> None:
    if not right:
        raise UserError(f"{path} is damaged ({wanted}, got {short(got)}): use another copy")


def _is_number(value: Any, least: float = -sys.float_info.max, most: float = sys.float_info.max) -> bool:
    """Whether it is a finite number, from `least` to `most`."""
    return type(value) in (int, float) and least <= value <= most


def _is_text(value: Any) -> bool:
    """Whether it is a string that can be printed: JSON can hold half a character."""
    return isinstance(value, str) and value == value.encode(errors="ignore").decode()
