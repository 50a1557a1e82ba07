"""`tinyvit predict` with a model of a task besides classification: masks of images, or boxes in them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from .output import complain, printable, say
from .task_runs import forbid_flags

CLASSIFIERS_FLAGS = ("threshold", "csv", "batch_size", "explain")


def predict_task(options: argparse.Namespace, config: Any, paths: Sequence[Path], figure_names: Sequence[str]) -> int:
    """Tell what a model whose `task.json` says `config` finds in each image; returns how many could not be read."""
    from ..backend import resolve_device, to_device
    from ..datasets import normalize
    from ..plots import save_figure
    from ..storage.run_folder import figures_folder
    from ..tasks import Task, task_of
    from ..tasks.opened import open_task_model
    from ..tasks.task import says_nothing

    forbid_flags(options, config, *CLASSIFIERS_FLAGS)
    task, folder = task_of(config), Path(options.folder)
    if type(task).predict is Task.predict:  # before its files are read, which may not be laid out for this
        raise says_nothing(config)
    opened = open_task_model(folder, config)
    model = opened.model.to(resolve_device(options.device))
    unreadable = 0
    for path, figure_name in zip(paths, figure_names, strict=True):
        try:
            image, size, done = opened.read(path)
        except UserError as error:  # the other images still get their answer
            complain(str(error))
            unreadable += 1
            continue
        x = to_device(normalize(image[None], *opened.processor.statistics, model.dtype), model.device)
        found = task.predict(config, model, x, image, size, opened.class_names)
        lines = [f"{path}: {found.words}", *([f"  {done}"] if done else [])]
        if options.plot:
            target = figures_folder(folder) / figure_name
            save_figure(found.draw(path.name), target)
            lines.append(f"  {target}")
        for line in lines:
            say(printable(line))
    return unreadable
