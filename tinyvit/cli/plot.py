"""`tinyvit plot RUN`: draw a run's figures again."""

import argparse

from .flags import SUB_PARSERS
from .guesses import add_threshold_flag, at_threshold
from .output import say
from .scoring import add_split_flags, measured, score_all
from .task_runs import plot_task


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "plot",
        help="draw a run's figures again",
        description="Learning curves, confusion matrix, mistakes, attention and position embedding.",
    )
    parser.add_argument("folder", metavar="RUN", help="run folder")
    add_split_flags(parser)
    add_threshold_flag(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..evaluation.figures import draw_figures
    from ..storage.metrics import read_metrics
    from ..storage.run_folder import run_folder
    from ..tasks.model_files import read_task_config
    from ..training import load_classifier

    if config := read_task_config(options.folder):
        return plot_task(options, config)
    model, preprocessing = load_classifier(options.folder)
    folder = run_folder(options.folder)
    epochs = read_metrics(folder)
    preprocessing = at_threshold(preprocessing, options.threshold, options.folder)
    chosen = measured(preprocessing, options)
    split, scores, _ = score_all(model, preprocessing, chosen)
    for path in draw_figures(folder, epochs, model, chosen.dataset, split, scores):
        say(path)
    return 0
