"""`tinyvit plot RUN`: draw a run's pictures again."""

import argparse

from .flags import SUB_PARSERS
from .guesses import add_threshold_flag, at_threshold
from .output import say
from .scoring import add_split_flags, measured, score_all


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "plot", help="draw a run's pictures again", description="Curves, confusion, mistakes, attention and positions."
    )
    parser.add_argument("folder", metavar="RUN", help="run folder")
    add_split_flags(parser)
    add_threshold_flag(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..training import load_classifier
    from ..training.figures import draw_figures
    from ..training.run import read_metrics, run_folder

    model, fed = load_classifier(options.folder)
    folder = run_folder(options.folder)
    epochs = read_metrics(folder)
    fed = at_threshold(fed, options.threshold, options.folder)
    chosen = measured(fed, options)
    split, scores, _ = score_all(model, fed, chosen)
    for path in draw_figures(folder, epochs, model, chosen.dataset, split, scores):
        say(path)
    return 0
