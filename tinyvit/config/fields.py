"""Validation of configs: each field has a type, and limits by `option`, and is held to them."""

import dataclasses
import os
import reprlib
import types
import typing
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ..errors import UserError

LIMIT = 10**6  # numbers stay below it unless their option says otherwise: finite, and no product of them overflows


def option(default: Any, help: str, *, at_least: float = 0, below: float = LIMIT) -> Any:
    """A dataclass field with the limits of its numbers and the one line that the command line shows for its flag."""
    return dataclasses.field(default=default, metadata={"help": help, "at_least": at_least, "below": below})


@dataclasses.dataclass(frozen=True)
class Config:
    """A frozen dataclass of options. NumPy's numbers, paths and JSON's lists become Python's own numbers, text, tuples.

    Raises:
        UserError: a value is of another kind than its field, or outside the field's limits.
    """

    def __post_init__(self) -> None:
        kinds = kinds_of(type(self))
        for field in dataclasses.fields(self):
            plain = held_to_limits(field, kinds[field.name], getattr(self, field.name))
            object.__setattr__(self, field.name, plain)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            UserError: unknown fields, a value of the wrong kind, or values that make no sense.
        """
        if not isinstance(values, Mapping):
            raise UserError(f"a config must map names to values, got {reprlib.repr(values)}: correct it")
        unknown = sorted(map(str, values.keys() - {field.name for field in dataclasses.fields(cls)}))
        if unknown:
            raise UserError(f"the config has unknown fields: {', '.join(unknown)}; remove or correct them")
        return cls(**values)


def kinds_of(config_class: type) -> dict[str, Any]:
    """The type of each field of a config."""
    return typing.get_type_hints(config_class)


def held_to_limits(field: "dataclasses.Field[Any]", kind: Any, value: Any) -> Any:
    """`value` as the field of a config keeps it, in Python's own types.

    Raises:
        UserError: it is of another kind than the field, or outside its limits.
    """
    try:
        return _plain(kind, value, field.metadata)
    except TypeError as error:
        wanted = _in_words(kind, field.metadata)
        raise UserError(f"{field.name} must be {wanted}, got {reprlib.repr(value)}: choose another value") from error


def _plain(kind: Any, value: Any, limits: Mapping[str, Any]) -> Any:
    """`value` as what `kind` says, in Python's own types.

    Raises:
        TypeError: it is no such thing.
    """
    if isinstance(value, np.generic):
        value = value.item()
    choices = typing.get_args(kind)
    if _is_union(kind):
        for choice in choices:
            try:
                return _plain(choice, value, limits)
            except TypeError:
                pass
    elif typing.get_origin(kind) is typing.Literal:
        if isinstance(value, str) and value in choices:
            return value
    elif typing.get_origin(kind) is tuple:
        if choices[-1] is Ellipsis and isinstance(value, list | tuple):
            choices = choices[:1] * len(value)
        if isinstance(value, list | tuple) and len(value) == len(choices):
            return tuple(_plain(choice, part, limits) for choice, part in zip(choices, value, strict=True))
    elif kind is bool:
        if isinstance(value, bool):
            return value
    elif kind in (int, float):
        is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
        if is_number and limits["at_least"] <= value < limits["below"]:
            return kind(value)
    elif kind is str:
        if isinstance(value, str | os.PathLike) and str(value):
            return str(value)
    elif isinstance(value, kind):
        return value
    elif issubclass(kind, Config) and isinstance(value, Mapping):
        return kind.from_dict(value)
    raise TypeError


def _in_words(kind: Any, limits: Mapping[str, Any]) -> str:
    """Description of the values that `kind` allows."""
    choices = typing.get_args(kind)
    if _is_union(kind):
        first, *others = (_in_words(choice, limits) for choice in choices)
        return " or ".join([first, *(other.replace(f"numbers, each {first}", "such numbers") for other in others)])
    if typing.get_origin(kind) is typing.Literal:
        return ("one of " if len(choices) > 1 else "") + ", ".join(choices)
    if typing.get_origin(kind) is tuple:
        many = "" if choices[-1] is Ellipsis else f"{len(choices)} "
        return f"{many}numbers, each {_in_words(choices[0], limits)}"
    if kind in (int, float):
        name = "a whole number" if kind is int else "a number"
        return f"{name} of at least {limits['at_least']:,} and below {limits['below']:,}"
    return {bool: "true or false", str: "text", types.NoneType: "None"}.get(kind, f"a config of type {kind.__name__}")


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)
