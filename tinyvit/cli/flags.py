"""Flags made from the fields of a frozen dataclass, in timm's spelling: `batch_size` becomes `--batch-size`."""

import argparse
import contextlib
import dataclasses
import re
import textwrap
import types
import typing
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ..config import ViTConfig
from ..config.fields import LIMIT
from .output import complain

SUB_PARSERS = Any  # what argparse's add_subparsers returns; its class is private


def add_flags(parser: Any, defaults: Any, *, skip: Collection[str] = ()) -> None:
    """Add one flag per field of a config. A flag that is not given leaves no trace in the parsed options.

    Args:
        defaults: a config whose values hold where no flag is given: the help shows them.
    """
    hints = typing.get_type_hints(type(defaults))
    for field in dataclasses.fields(defaults):
        if field.name in skip:
            continue
        kind = hints[field.name]
        if kind is bool:
            how: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        elif typing.get_origin(kind) is typing.Literal:
            how = {"choices": typing.get_args(kind)}
        else:
            how = {"type": _reader(field.name, kind), "metavar": field.name.split("_")[-1].upper()}
        value = getattr(defaults, field.name)
        default = "" if value is None else f" (default: {value})"
        flag = "--" + field.name.replace("_", "-")
        help = (field.metadata.get("help", "") + default).replace("%", "%%")
        parser.add_argument(flag, default=argparse.SUPPRESS, help=help, **how)


def given(options: argparse.Namespace, config_class: type) -> dict[str, Any]:
    """The fields of `config_class` for which a flag was given."""
    names = {field.name for field in dataclasses.fields(config_class)}
    return {name: value for name, value in vars(options).items() if name in names}


def describe(title: str, config: Any, *, skip: Collection[str] = ()) -> str:
    """The config's fields as `name=value` after a title, in lines that fit a terminal."""
    fields = (field.name for field in dataclasses.fields(config) if field.name not in skip)
    text = " ".join(f"{name}={getattr(config, name)}".replace(" ", "") for name in fields)
    return textwrap.fill(text, 100, initial_indent=f"{title:<10}", subsequent_indent=" " * 10, break_on_hyphens=False)


def add_model_flags(parser: argparse.ArgumentParser, defaults: ViTConfig, whose: str) -> None:
    """Add the flags of `ViTConfig`, in a group that says whose `defaults` the help shows."""
    add_flags(parser.add_argument_group("model", f"The defaults shown are those of {whose}."), defaults)


def add_task_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the fields that tasks add to a training run, each once, in a group for each task."""
    from ..config.run import TrainConfig
    from ..config.tasks import CONFIGS

    seen = {field.name for field in dataclasses.fields(TrainConfig)}
    for name, config_class in CONFIGS.items():
        own = [field.name for field in dataclasses.fields(config_class) if field.name not in seen]
        if own:
            group = parser.add_argument_group(f"task {name}", f"Flags of --task {name}.")
            add_flags(group, config_class(), skip={f.name for f in dataclasses.fields(config_class)} - {*own})
            seen.update(own)


def add_download_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--download`, with which `pretrained.resolve_model` takes a name in place of a model's path."""
    parser.add_argument(
        "--download", action="store_true", help="download the model if it is named as on huggingface.co"
    )


def add_strict_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--strict`, a flag of all verbs that read folders of images, for `datasets.left_out.forbid`."""
    parser.add_argument(
        "--strict", action="store_true", help="stop with an error where a file would be left out or cannot be used"
    )


def find_model(path_or_name: str, *, download: bool) -> Path:
    """As `pretrained.resolve_model`; which snapshot of a cache is taken, and which image processor, is told.

    Raises:
        UserError: as there.
    """
    from ..pretrained import resolve_model
    from ..pretrained.preprocessor import notes_on_preprocessor

    path = resolve_model(path_or_name, download=download)
    if path.parent.name == "snapshots" and path != Path(path_or_name):
        complain(f"{path_or_name} is taken from the cache of huggingface.co, snapshot {path.name}")
    for note in notes_on_preprocessor(path):
        complain(note)
    return path


def _reader(name: str, kind: Any) -> Callable[[str], Any]:
    """Parser of a flag's text to the field's value."""
    if name == "img_size":
        return size_flag
    if name in ("workers", "threads"):
        return workers_flag
    if isinstance(kind, types.UnionType):  # "float | None": None is what leaving the flag out means
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    return text if kind is str else kind


def text(given: str) -> str:
    """Name or path: any text but an empty one, which `--output "$UNSET"` would give.

    Raises:
        argparse.ArgumentTypeError: it is empty.
    """
    if not given:
        raise argparse.ArgumentTypeError("an empty text names nothing: give a value, or leave the flag out")
    return given


def count(given: str) -> int:
    """Whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is no whole number of at least 1, or unreasonably large.
    """
    if not (given.isdecimal() and len(given) < 20 and 1 <= int(given) < LIMIT):
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1 to {LIMIT - 1:,}, got {given[:20]!r}")
    return int(given)


def whole(given: str) -> int:
    """Whole number of at least 0.

    Raises:
        argparse.ArgumentTypeError: it is no such number, or unreasonably large.
    """
    return 0 if given == "0" else count(given)


def lesson_numbers(given: str) -> list[int]:
    """Lessons as people name them: 1-5,7.

    Raises:
        argparse.ArgumentTypeError: they are not named so.
    """
    if not re.fullmatch(r"\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*", given, re.ASCII):
        raise argparse.ArgumentTypeError(f"it must name lessons as in 1-5,7, got {given[:20]!r}")
    ends = [piece.split("-") for piece in given.split(",")]
    return sorted({number for piece in ends for number in range(int(piece[0]), int(piece[-1]) + 1)})


def probability(given: str) -> float:
    """Probability from 0 to 1.

    Raises:
        argparse.ArgumentTypeError: it is no such number.
    """
    with contextlib.suppress(ValueError):
        if 0 <= float(given) <= 1:
            return float(given)
    raise argparse.ArgumentTypeError(f"it must be a probability from 0 to 1, got {given[:20]!r}")


def size_flag(text: str) -> int | tuple[int, ...]:
    """ "28" or "32x48" (height x width)."""
    parts = tuple(int(part) for part in text.lower().split("x"))
    return parts[0] if len(parts) == 1 else parts


def workers_flag(text: str) -> int | str:
    """ "auto" or a number."""
    return text if text == "auto" else int(text)


size_flag.__name__, workers_flag.__name__ = "size", "workers"  # argparse says "invalid size value"


def add_track_flag(parser: argparse.ArgumentParser, *, resumed: str = "those of the run") -> None:
    """Add `--track`, of experiment trackers."""
    parser.add_argument(
        "--track",
        type=names_flag,
        metavar="TRACKERS",
        help="experiment trackers, with commas between: tensorboard, wandb, trackio, mlflow (default: none; with "
        f"--resume, {resumed})",
    )


def names_flag(text: str) -> list[str]:
    """ "tensorboard,wandb" as a list."""
    return [name.strip() for name in text.split(",")]
