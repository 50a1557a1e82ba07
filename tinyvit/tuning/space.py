"""Search space: for each option that is tuned a range, `1e-4..1e-2:log`, or choices, `4,7,14`."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..config import ViTConfig
from ..config.fields import held_to_limits, kinds_of
from ..config.run import TrainConfig
from ..errors import UserError

# Options that say where or on what a run works: their values cannot be compared by what the runs come to.
FIXED = ("task", "model", "data_dir", "dataset", "output", "seed", "device", "workers", "distributed",
         "num_classes", "in_chans", "checkpoint_seconds", "num_labels")  # fmt: skip


class Range(NamedTuple):
    """All numbers from `low` to `high`, both included; `whole`: whole ones; `log`: evenly by their logarithms."""

    low: float
    high: float
    whole: bool
    log: bool


class Choices(NamedTuple):
    """Some values, by their texts, which is how Optuna and its journal know them."""

    values: Mapping[str, Any]


Dimension = Range | Choices


def parse_space(texts: Mapping[str, str], config_class: type[TrainConfig]) -> dict[str, Dimension]:
    """Dimensions that the texts of `--space NAME=TEXT` mean for a config of this class, or its model.

    Raises:
        UserError: there is no such option, it is not tuned, or a text is no range or choice within its limits.
    """
    if not texts:
        raise UserError("a search needs options to tune: give at least one, such as --space lr=1e-4..1e-2:log")
    return {name: _dimension(name, text, config_class) for name, text in texts.items()}


def _dimension(name: str, text: str, config_class: type[TrainConfig]) -> Dimension:
    owner = next((owner for owner in (config_class, ViTConfig) if name in _fields(owner)), None)
    if owner is None:
        raise UserError(f"--space {name}={text}: tinyvit train has no option {name}; see tinyvit train --help")
    if name in FIXED:
        raise UserError(f"--space {name}={text}: {name} is not tuned, since every trial has the same: leave it out")
    field, kind = _fields(owner)[name], kinds_of(owner)[name]
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    try:
        if ".." in text:
            return _range(text, field, kind, kinds)
        return _choices(text, field, kind, kinds)
    except UserError as error:
        raise UserError(f"--space {name}={text}: {error}") from error


def _range(text: str, field: "dataclasses.Field[Any]", kind: Any, kinds: tuple[Any, ...]) -> Range:
    number = next((kind for kind in kinds if kind in (int, float)), None)
    ends, _, scale = text.partition(":")
    low, high = ends.split("..", 1)
    try:
        if number is None or scale not in ("", "log"):
            raise ValueError
        first, last = number(low), number(high)
    except ValueError as error:
        wanted = "LOW..HIGH or LOW..HIGH:log" + ", whole ones" * (number is int)
        wanted = wanted if number else "choices with commas between, not a range"
        raise UserError(f"{field.name} takes {wanted}: correct it") from error
    for end in (first, last):
        held_to_limits(field, kind, end)
    if not first < last:
        raise UserError(f"the range begins at {low} and must end above that, got {high}: correct it")
    if scale == "log" and first <= 0:
        raise UserError(f"a range on a logarithmic scale begins above 0, got {low}: choose another, or leave :log out")
    return Range(first, last, number is int, scale == "log")


def _choices(text: str, field: "dataclasses.Field[Any]", kind: Any, kinds: tuple[Any, ...]) -> Choices:
    words = [word.strip() for word in text.split(",")]
    values = {word: held_to_limits(field, kind, _value(word, kinds)) for word in words if word}
    if len({*values.values()}) < max(2, len(words)):  # 0.001 and 1e-3 are one
        raise UserError("a search has two different values or more, with commas between, or a range LOW..HIGH")
    return Choices(values)


def _value(word: str, kinds: tuple[Any, ...]) -> Any:
    """The value that a word means to an option of these kinds; the word itself where it means none."""
    if bool in kinds and word.lower() in ("true", "false"):
        return word.lower() == "true"
    if types.NoneType in kinds and word.lower() == "none":
        return None
    for number in (int, float):
        if number in kinds:
            try:
                return number(word)
            except ValueError:
                pass
    if any(typing.get_origin(kind) is tuple for kind in kinds) and word.replace("x", "").isdecimal():
        return tuple(int(part) for part in word.split("x") if part)
    return word


def _fields(config_class: type) -> dict[str, "dataclasses.Field[Any]"]:
    return {field.name: field for field in dataclasses.fields(config_class)}
