"""Entries of untrusted configs, validated before use by the readers of every family."""

import itertools
import math
from collections.abc import Mapping
from reprlib import repr as short
from typing import Any

import numpy as np

from ..config import ViTConfig
from ..errors import UserError, one_line

# What `ViTConfig.pool` is called in a sentence.
POOLS = {
    "mean": "mean pooling",
    "cls+mean": "a head that pools the class token and the mean",
    "cls+dist": "two heads",
    "map": "attention pooling",
}


def entry(values: Mapping[str, Any], key: str, default: Any) -> Any:
    """`values[key]`, or `default` where it is missing or null."""
    value = values.get(key)
    return default if value is None else value


def typed(values: Mapping[str, Any], key: str, kind: Any, default: Any) -> Any:
    """As `entry`, of the type `kind`.

    Raises:
        UserError: it is of another type.
    """
    value = entry(values, key, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"config.json says {key} is {short(value)}, which makes no sense: use another copy")
    return value


def square(values: Mapping[str, Any], key: str, default: Any) -> Any:
    """As `entry`, of a side that may be given twice: [16, 16] is 16.

    Raises:
        UserError: the two differ.
    """
    value = entry(values, key, default)
    if isinstance(value, list | tuple) and len(value) == 2:
        if value[0] != value[1]:
            raise UserError(f"config.json says {key} is {short(value)}: use a model with square patches")
        return value[0]
    return value


def ratio(hidden: int, embed_dim: int) -> float:
    """The mlp_ratio with which `embed_dim` features become exactly `hidden`, though a quotient rounds."""
    if embed_dim <= 0:
        return 0.0
    try:
        quotient = hidden / embed_dim
        is_exact = int(embed_dim * quotient) == hidden
    except OverflowError:  # a file may say a number of 400 digits
        return math.inf  # which no config takes
    return quotient if is_exact else math.nextafter(quotient, math.inf)


def class_names_of(id2label: Any, num_classes: int) -> tuple[str, ...] | None:
    """{"0": "cat", "1": "dog"} as ("cat", "dog"); None where there is nothing, or no classifier whose names they are.

    Raises:
        UserError: it does not name every class once.
    """
    if not id2label or not num_classes:
        return None
    right = isinstance(id2label, Mapping) and all(isinstance(name, str) for name in id2label.values())
    if not right or set(id2label) != {str(index) for index in range(num_classes)}:
        raise UserError(
            f"config.json must name the {num_classes} classes of the classifier under id2label, got "
            f"{short(id2label)}: correct it, or leave it out"
        )
    return tuple(one_line(id2label[str(index)]) for index in range(num_classes))


def array_of(tensors: Mapping[str, np.ndarray], name: str, axes: str) -> np.ndarray:
    """The array called `name`, which must have the axes that `axes` names: "D C P P".

    Raises:
        UserError: it is missing, or has another number of axes.
    """
    array = tensors.get(name)
    if array is None or array.ndim != len(axes.split()):
        got = "nothing of that name" if array is None else f"the shape {array.shape}"
        raise UserError(
            f"the weights are not those of a plain Vision Transformer: {name} must have the shape "
            f"({', '.join(axes.split())}), got {got}; use another model"
        )
    return array


def depth_of(tensors: Mapping[str, np.ndarray], block: str) -> int:
    """Number of blocks, whose arrays' names begin with `block` and a number in it: "blocks.{}."."""
    before, after = block.split("{}")
    numbers = {name.removeprefix(before).partition(after)[0] for name in tensors if name.startswith(before)}
    return next(index for index in itertools.count() if str(index) not in numbers)


def square_size(num_patches: int, patch_size: int) -> int:
    """Pixels along each side of a square image that is cut into so many patches; rounded down where there is none."""
    return math.isqrt(max(0, num_patches)) * patch_size


def beyond_the_paper(config: ViTConfig) -> dict[str, bool]:
    """Properties that not all layouts can express, and whether `config` has them."""
    return {
        POOLS.get(config.pool, ""): config.pool != "cls",
        "tokens without a class token": not config.class_token,
        "layer norm before the first block": config.pre_norm,
        "layer norm after pooling": config.fc_norm,
        "no layer norm after the last block": not config.final_norm,
        "fixed positions": config.pos_embed != "learned",
        "registers": config.num_registers > 0,
        "layer scale": config.layer_scale is not None,
        "a convolutional stem": config.stem == "conv",
        "words as patches": config.stem == "words",
    }


def those_true(conditions: Mapping[str, bool]) -> str:
    """The words whose condition holds, in a list for people: "mean pooling, registers"."""
    return ", ".join(words for words, holds in conditions.items() if holds)
