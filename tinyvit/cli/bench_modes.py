"""Flags of `tinyvit bench`: which go with which of its modes."""

import argparse

from ..errors import UserError
from .flags import given

MODEL = "a model"  # a preset, and the flags of its config
STEP = "a step"  # what is measured without a mode's flag
USES = {  # flags by mode; the first mode whose own flag is given is meant, so that --tasks and --sizes may have --runs
    "device": ("against", "seconds"),  # its models are fixed, so that results can be compared
    "profile": ("batch_size", "rounds", MODEL),
    "scaling": ("batch_size", "rounds", "output", MODEL),
    "cluster": ("batch_size", "workers", "rounds", MODEL),
    "tasks": ("runs", "against", "rounds", "workers"),
    "sizes": ("runs", "recipe", "output"),
    "runs": ("recipe", "baseline", "against"),
    STEP: ("batch_size", "workers", "rounds", "against", "compile", MODEL),
}
WITH_TORCH = {STEP: ("compile",), "tasks": ("rounds", "workers")}  # of these, what needs --against torch


def mode_of(options: argparse.Namespace) -> str:
    """The mode that the flags ask for, a key of `USES`.

    Raises:
        UserError: a flag is given that the mode does not use.
    """
    from ..config import ViTConfig

    changed = [name for name, value in vars(options).items() if value != options.parser.get_default(name)]
    of_model = [*given(options, ViTConfig), *(["preset"] if "preset" in changed else [])]
    mode = next((name for name in USES if name in changed), STEP)
    for name in changed:
        kind = MODEL if name in of_model else name
        users = [_flag(other) for other in USES if kind in USES[other] or kind == other]
        if not users or kind == mode or kind in USES[mode]:
            continue
        what = f"the preset {options.preset}" if name == "preset" else _flag(name)
        if mode == STEP:
            raise UserError(f"{what} is for {' or '.join(users)}: add one of them, or leave it out")
        raise UserError(f"{what} does not go with {_flag(mode)}: leave one of them out")
    for name in () if options.against else WITH_TORCH.get(mode, ()):
        if name in changed:
            raise UserError(f"{_flag(name)} is for --against torch: add that, or leave it out")
    return mode


def _flag(name: str) -> str:
    return name if name == STEP else f"--{name.replace('_', '-')}"
