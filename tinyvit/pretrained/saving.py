"""Write a model for other libraries: a folder that Hugging Face or timm loads, or Google's `.npz`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Array, to_numpy
from ..config import ViTConfig
from ..errors import UserError
from ..storage.files import CONFIG, WEIGHTS, Content, to_json, write_file
from ..storage.folders import write_folder
from ..storage.npz import npz_bytes
from .families import FAMILIES, family_for
from .problem import PROBLEM_TYPE


def save_model_folder(
    folder: str | Path,
    config: ViTConfig,
    state: Mapping[str, Array],
    more: Mapping[str, Content] | None = None,
    class_names: Sequence[str] | None = None,
    problem_type: str | None = None,
    *,
    keep_others: bool = False,
) -> None:
    """A folder in Hugging Face's layout if it has words for this model, in our own if not; `config.json` says which.

    Args:
        state: our parameters by name.
        more: other files of the folder.
        class_names: K names; "LABEL_0", "LABEL_1" ... where there are none.
        problem_type: what the logits mean, one of `problem.PROBLEM_TYPES`; None says nothing of it.
        keep_others: whether other files in the folder stay there, instead of being refused.

    Raises:
        UserError: `folder` holds other files, is a file, or cannot be written; what stood there before still does.
    """
    family = family_for("hf", config) or "tinyvit"
    files = folder_files(config, state, family, class_names, None, problem_type) | dict(more or {})
    write_folder(folder, files, keep_others=keep_others)


def folder_files(
    config: ViTConfig,
    state: Mapping[str, Array],
    family: str,
    class_names: Sequence[str] | None = None,
    pretrained_cfg: Mapping[str, Any] | None = None,
    problem_type: str | None = None,
) -> dict[str, Content]:
    """`config.json` and `model.safetensors` in the layout of a family that has folders."""
    names = class_names or [f"LABEL_{index}" for index in range(config.num_classes)]
    values = dict(FAMILIES[family].write_config(config, names, pretrained_cfg or {}))
    if problem_type is not None:
        values[PROBLEM_TYPE] = problem_type
    return {CONFIG: to_json(values), WEIGHTS: stored(config, state, family)}


def save_npz(path: str | Path, config: ViTConfig, state: Mapping[str, Array]) -> None:
    """Google's `.npz`.

    Raises:
        UserError: the format has no room for this model, or the file cannot be written.
    """
    write_file(path, npz_bytes(stored(config, state, "npz")))


def stored(config: ViTConfig, state: Mapping[str, Array], family: str) -> dict[str, np.ndarray]:
    """Our parameters under a family's names, in its layout.

    Raises:
        UserError: the family has no word for what this model does.
    """
    there = FAMILIES[family]
    layout, missing = there.layout(config), there.cannot_say(config)
    if missing:
        raise UserError(f"the layout {there.library!r} has no word for {missing}: choose another layout")
    state = there.fold(config, {name: to_numpy(array) for name, array in state.items()})
    return {
        there.file_name(name): array
        for ours, value in state.items()
        for name, array in zip(layout[ours].names, layout[ours].layout.write(value), strict=True)
    }
