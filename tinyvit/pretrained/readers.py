"""Libraries that load a saved model: Hugging Face's transformers, timm, or tinyvit alone; and what differs there."""

import dataclasses
import shlex
from pathlib import Path
from typing import NamedTuple

from ..config import ViTConfig
from .families import FAMILIES, family_for

PACKAGES = {"hf": "Hugging Face's transformers", "timm": "timm"}  # in the order in which they are preferred


class Reader(NamedTuple):
    """Library that loads a model saved by tinyvit."""

    family: str  # whose layout it reads: hf or timm; or tinyvit, if no other library has a word for the model
    as_it_is: bool  # or only after `tinyvit convert --to`
    differing: str = ""  # what it always does otherwise, in words
    lacking: str = ""  # where it is tinyvit: what the others have no word for


def reader_of(config: ViTConfig) -> Reader:
    """Library that loads a model of this kind, with the same logits but for what is `differing`."""
    written = dataclasses.replace(config, pos_embed="learned")  # as `tinyvit convert` writes fixed positions
    for name in PACKAGES:
        if family := family_for(name, written):
            own = config.to_dict()
            fixed = {key: theirs for key, theirs in FAMILIES[family].fixed(written).items() if theirs != own[key]}
            differing = [f"{key} {theirs} instead of {own[key]}" for key, theirs in fixed.items()]
            return Reader(name, name == "hf" and family_for("hf", config) != "", ", ".join(differing))
    return Reader("tinyvit", True, lacking=FAMILIES["timm"].cannot_say(written))


def who_loads(run: Path, config: ViTConfig) -> str:
    """One sentence about the model in the folder `best` of a run."""
    reader = reader_of(config)
    if reader.lacking:
        return f"{run / 'best'} can be loaded by tinyvit only: others have no word for {reader.lacking}."
    package = PACKAGES[reader.family]
    if reader.as_it_is:
        return f"{package} loads {run / 'best'} as it is."
    but = f", with {reader.differing}" if reader.differing else ""
    return f"{package} loads what tinyvit convert {shlex.quote(str(run))} OUT --to {reader.family} writes{but}."
