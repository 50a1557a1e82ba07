"""The arrays of a model's folder, in one safetensors file or in several, and never in a pickle."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..storage.files import WEIGHTS, read_json
from ..storage.tensors import read_arrays

INDEX = f"{WEIGHTS}.index.json"
FILE = re.compile(r"\w[\w.-]*\.safetensors", re.ASCII)  # what an index may name: nothing outside its folder
MAX_FILES = 1000  # of weights of one model
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """All arrays of a folder, in one file or in several with an index."""
    if (folder / WEIGHTS).exists():
        return read_arrays(folder / WEIGHTS)
    if not (folder / INDEX).exists():
        pickles = sorted(file for file in folder.iterdir() if file.suffix in PICKLES)
        if pickles:
            raise UserError(no_pickles(pickles[0]))
        return read_arrays(folder / WEIGHTS)  # says that it is missing
    places = read_index(folder / INDEX)
    arrays: dict[str, np.ndarray] = {}
    for file in sorted(set(places.values())):
        arrays |= {name: array for name, array in read_arrays(folder / file).items() if places.get(name) == file}
    return arrays


def read_index(path: Path) -> dict[str, str]:
    """Of weights in several files, the file of each: safetensors, all of them beside the index.

    Raises:
        UserError: it is missing or damaged, or leads elsewhere.
    """
    places: Any = read_json(path).get("weight_map")
    are_files = isinstance(places, dict) and all(isinstance(file, str) for file in places.values())
    if not are_files or not all(map(FILE.fullmatch, places.values())):
        raise UserError(f"{path} must map names of weights to .safetensors files beside it: use another copy")
    if (files := len(set(places.values()))) > MAX_FILES:
        raise UserError(
            f"{path} names {files:,} files, more than the {MAX_FILES:,} that can be meant: use another copy"
        )
    return places


def no_pickles(path: Path) -> str:
    """Why it is not opened, and the way out."""
    return (
        f"{path} is a pickle, which could run any code when opened, so it is not: load it where you trust it, and save "
        "it as safetensors (in transformers: model.save_pretrained(folder))"
    )
