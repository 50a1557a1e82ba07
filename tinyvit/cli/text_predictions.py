"""`tinyvit predict` with a model of words: entities in text files, or whether each word of them is good."""

import argparse
from pathlib import Path
from typing import Any

from ..errors import UserError
from .output import complain, printable, say
from .task_predictions import CLASSIFIERS_FLAGS
from .task_runs import forbid_flags


def predict_texts(options: argparse.Namespace, config: Any) -> int:
    """Tell what a model whose `task.json` says `config` finds in each line of each file; returns the exit status."""
    from ..backend import resolve_device
    from ..tasks import task_of
    from ..tasks.opened import class_names_of

    forbid_flags(options, config, *CLASSIFIERS_FLAGS)
    if options.plot:
        raise UserError("--plot draws images, and these are texts: leave it out")
    folder = Path(options.folder)
    names = class_names_of(folder)
    if len(names) != config.model.num_classes:
        raise UserError(
            f"{folder} has a model of {config.model.num_classes} classes and {len(names)} names: use another copy"
        )
    task: Any = task_of(config)
    model = task.load(config, folder).to(resolve_device(options.device))
    failed = 0
    for path in options.images:
        try:
            lines = _lines(Path(path))
        except UserError as error:  # the other files still get their answer
            complain(str(error))
            failed += 1
            continue
        for line in lines:
            for told in task.read_text(config, model, line, names):
                say(printable(told))
    return 2 if failed else 0


def _lines(path: Path) -> list[str]:
    """The lines of a text file that hold something.

    Raises:
        UserError: it cannot be read, is no UTF-8, or is empty.
    """
    from ..storage.files import read_file

    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8, and this model reads texts: give a text file") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise UserError(f"{path} is empty: give a text file with a sentence in each line")
    return lines
