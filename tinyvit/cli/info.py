"""`tinyvit info [MODEL]`: architecture and cost of a preset or of a saved model."""

import argparse
import dataclasses
import reprlib
from pathlib import Path
from typing import Any

from ..config.fields import LIMIT
from ..errors import UserError
from .flags import SUB_PARSERS, add_download_flag, add_model_flags, describe, find_model, given
from .output import complain, printable, say

MIB = 2**20


def add_parser(verbs: SUB_PARSERS) -> None:
    from ..config.presets import PRESETS

    parser: argparse.ArgumentParser = verbs.add_parser(
        "info",
        help="parameters, FLOPs and memory of a model",
        description="Cost of each part of a preset or a saved model, with any change to it.",
    )
    parser.add_argument(
        "preset", metavar="MODEL", nargs="?", default="tiny", help="preset, run, folder, or .npz file (default: tiny)"
    )
    add_download_flag(parser)
    parser.add_argument(
        "--batch-size", type=int, default=128, help="batch size for the memory of a training step (default: 128)"
    )
    add_model_flags(parser, PRESETS["tiny"], "the preset tiny")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..config import ViTConfig
    from ..config.costs import NOTHING, model_costs
    from ..config.presets import PRESETS

    if not 1 <= options.batch_size < LIMIT:
        got = reprlib.repr(options.batch_size)
        raise UserError(f"--batch-size must be at least 1 and below {LIMIT:,}, got {got}: choose another value")
    found, about = _find(options.preset, options.download)
    config = dataclasses.replace(found, **given(options, ViTConfig))
    costs = model_costs(config)
    total = sum(costs.values(), NOTHING)
    say(about)
    say(describe("", config))
    say(f"{config.num_tokens} tokens of {config.embed_dim} features; heads of {config.head_dim}\n")
    say(f"{'part':<22}{'parameters':>13}{'MFLOPs/image':>14}{'saved MiB/image':>17}")
    for name, cost in [*costs.items(), ("total", total)]:
        say(f"{name:<22}{cost.parameters:>13,}{cost.flops / 1e6:>14,.2f}{4 * cost.saved / MIB:>17,.3f}")
    weights, activations = 4 * total.parameters / MIB, 4 * total.saved * options.batch_size / MIB
    say(f"\nA training step of {options.batch_size} images in float32 keeps about")
    say(f"  {weights:10,.1f} MiB of weights\n  {weights:10,.1f} MiB of gradients\n  {2 * weights:10,.1f} MiB in AdamW")
    say(f"  {activations:10,.1f} MiB saved for the backward, all images at once (training takes up to 64)")
    say(f"and computes {3 * total.flops * options.batch_size / 1e9:,.2f} GFLOPs (a backward takes about two forwards).")
    say(f"\nPresets: {', '.join(PRESETS)}")
    return 0


def _find(name: str, download: bool) -> tuple[Any, str]:
    """The config of a preset or a saved model, and what there is to say about it.

    Raises:
        UserError: there is none, or it is damaged.
    """
    from ..config.presets import PRESETS, preset
    from ..evaluation.preprocessing import read_preprocessing
    from ..pretrained import FAMILIES, open_checkpoint
    from ..pretrained.problem import SINGLE_LABEL, problem_type

    if name in PRESETS or not (download or "/" in name or Path(name).exists()):
        return preset(name), name
    path = find_model(name, download=download)
    checkpoint = open_checkpoint(path)
    if path.parent.name == "snapshots" and checkpoint.assumption:  # others may have fetched only a part
        complain(checkpoint.assumption)
    family, preprocessing = FAMILIES[checkpoint.family], read_preprocessing(checkpoint)
    dtypes = ", ".join(sorted({str(array.dtype) for array in checkpoint.tensors.values()}))
    classes = ", ".join(map(printable, preprocessing.class_names[:6])) + (
        ", ..." if len(preprocessing.class_names) > 6 else ""
    )
    numbers = sum(array.size for array in checkpoint.tensors.values())
    lines = [
        printable(str(name)),
        f"{'layout':<10}{family.title}: {len(checkpoint.tensors)} arrays, {numbers:,} values, {dtypes}",
        f"{'classes':<10}{len(preprocessing.class_names)}: {classes}"
        if preprocessing.class_names
        else f"{'classes':<10}none: {'its head is a projection' if checkpoint.is_projection else 'no head'}",
        *([f"{'left out':<10}{printable(', '.join(checkpoint.left_out))}"] if checkpoint.left_out else []),
        describe("images", preprocessing.processor),
    ]
    meaning = problem_type(checkpoint.values, checkpoint.config.num_classes)
    if preprocessing.class_names and meaning != SINGLE_LABEL:
        how = (
            f": a yes or no for each class, from {preprocessing.threshold:g} on"
            if preprocessing.multi_label
            else ": real values, no classes"
        )
        lines.insert(3, f"{'answers':<10}{meaning}{how}")
    return checkpoint.config, "\n".join(lines)
