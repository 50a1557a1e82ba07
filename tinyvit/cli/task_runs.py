"""Runs of tasks besides classification in `tinyvit eval` and `tinyvit plot`."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from ..errors import UserError
from .output import printable, say

SPLITS = ("train", "dev", "test")


def evaluate_task(options: argparse.Namespace, config: Any) -> int:
    """`tinyvit eval` of a model whose `task.json` says `config`."""
    from ..evaluation.figures import draw_run
    from ..storage.run_folder import figures_folder

    forbid_flags(options, config, "threshold", "labels", "csv", "batch_size", "strict")
    task, model, dataset, split, result = _evaluated(options, config)
    say(f"{split} split of {dataset.name}, {len(getattr(dataset, split)):,} examples: {result.in_words}")
    if result.details:
        say(result.details)
    report = result.report([*map(printable, dataset.class_names)], in_full=True)
    if report != result.details:
        say("\n" + report)
    if options.figures is not None:
        folder = Path(options.figures) if options.figures else figures_folder(options.folder)
        more = task.figures(config, model.to("cpu"), dataset, split)
        for path in draw_run(folder, [], result, getattr(dataset, split), dataset.class_names, more):
            say(path)
    return 0


def plot_task(options: argparse.Namespace, config: Any) -> int:
    """`tinyvit plot` of a run whose `task.json` says `config`."""
    from ..evaluation.figures import draw_run
    from ..storage.metrics import read_metrics
    from ..storage.run_folder import run_folder

    forbid_flags(options, config, "threshold", "labels")
    task, model, dataset, split, result = _evaluated(options, config)
    folder = run_folder(options.folder)
    more = task.figures(config, model.to("cpu"), dataset, split)
    epochs = read_metrics(folder)
    for path in draw_run(folder / "figures", epochs, result, getattr(dataset, split), dataset.class_names, more):
        say(path)
    return 0


def _evaluated(options: argparse.Namespace, config: Any) -> tuple[Any, Any, Any, str, Any]:
    """The task, the model, the data set, the name of the split and the evaluation on it."""
    from ..backend import resolve_device
    from ..tasks import task_of
    from ..tasks.opened import class_names_of
    from ..tasks.split_answers import split_answers
    from ..training.data import read_dataset

    split = options.split or "test"
    if split not in SPLITS:
        raise UserError(
            f"the task {config.task} is evaluated on one split, got {split}: choose from {', '.join(SPLITS)}"
        )
    if options.data_dir is not None:
        config = dataclasses.replace(config, data_dir=options.data_dir)
    task = task_of(config)
    dataset = read_dataset(config, lambda sentence: say(f"note: {sentence}"))
    if options.data_dir is not None:
        dataset = task.as_learned(config, class_names_of(options.folder), dataset)
    task.check(config, dataset)
    if not len(getattr(dataset, split)):
        raise UserError(f"{dataset.name} has no images for {split}: choose another --split")
    model: Any = task.load(config, Path(options.folder))
    model = model.to(resolve_device(getattr(options, "device", "cpu")))
    result = task.judge(config, split_answers(task, config, model, dataset, split), dataset, split)
    return task, model, dataset, split, result


def forbid_flags(options: argparse.Namespace, config: Any, *names: str) -> None:
    """Check that no flag was given that only classifiers have.

    Raises:
        UserError: one was.
    """
    for name in names:
        if getattr(options, name, None) not in (None, False):
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag} is for classifiers, and this is a model of the task {config.task}: leave it out")
