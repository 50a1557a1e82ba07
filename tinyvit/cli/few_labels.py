"""`tinyvit finetune --model RUN --labels 100`: the worth of an encoder where labels are few."""

import argparse
import dataclasses
import re
from typing import Any

from ..errors import UserError
from .flags import find_model
from .output import say
from .tracking import progress_of

NUMBER = re.compile(r"[+-]?\d+(\.\d*)?(e\d+)?")
OTHER_NAMES = {"pretrained": "init", "labels": "num_labels"}  # of the same thing, in a config of fine-tuning


def is_number_of_labels(labels: Any) -> bool:
    """Whether --labels asks for so many labels, and does not name a table."""
    return isinstance(labels, str) and NUMBER.fullmatch(labels) is not None


def on_few_labels(options: argparse.Namespace, flags: dict[str, Any]) -> int:
    """Fine-tune on a built-in data set's first labels, and print what pretraining brings.

    Args:
        flags: those of `FinetuneConfig` that were given.

    Raises:
        UserError: a flag is for images in folders, or as `train`.
    """
    from ..config.mae import TransferConfig
    from ..evaluation.preprocessing import read_preprocessing
    from ..pretrained import open_checkpoint
    from ..training.few_labels import worth

    if not (flags["labels"].isdecimal() and int(flags["labels"])):
        raise UserError(
            f"--labels must be a whole number of at least 1, got {flags['labels']}: choose a multiple of the classes"
        )
    for name in ("strict", "add_classes"):
        if getattr(options, name):
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag} is for images in folders, and --labels {flags['labels']} is not: leave one out")
    given = {OTHER_NAMES.get(name, name): value for name, value in flags.items()}
    if strange := [name for name in given if name not in {field.name for field in dataclasses.fields(TransferConfig)}]:
        flag = "--" + strange[0].replace("_", "-").replace("drop-path-rate", "drop-path")
        raise UserError(f"{flag} is for images in folders, and --labels {flags['labels']} is not: leave one out")
    path = find_model(given["init"], download=options.download)
    preprocessing = read_preprocessing(open_checkpoint(path, with_head=False))
    if not preprocessing.built_in:
        raise UserError(
            f"--labels with a number takes a model of a built-in data set, and {path} is of "
            f"{preprocessing.dataset or 'images'}: give --data-dir a folder with few images instead"
        )
    dataset: Any = preprocessing.dataset
    given |= {"init": str(path), "num_labels": int(given["num_labels"]), "dataset": dataset}
    found = worth(TransferConfig(**given), overwrite=options.overwrite, progress=progress_of(options))
    rows = (
        (f"fine-tuned from {path}", found.tuned.test.measures["accuracy"]),
        ("the same training from random weights", found.scratch.test.measures["accuracy"]),
        ("linear probe of its frozen features", found.probe_of_features),
        ("linear probe of the pixels", found.probe_of_pixels),
        ("10 nearest neighbours by its features", found.neighbours_of_features),
        ("10 nearest neighbours by the pixels", found.neighbours_of_pixels),
    )
    width = max(len(name) for name, _ in rows)
    say(f"\n{given['num_labels']} labels of {dataset}, accuracy on the test split:\n")
    for name, accuracy in rows:
        say(f"  {name:<{width}}  {100 * accuracy:6.2f} %")
    say(f"\nThe runs are in {found.tuned.folder} and {found.scratch.folder}.")
    return 0
