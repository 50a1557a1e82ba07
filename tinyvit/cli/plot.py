"""`tinyvit plot RUN`: draw a run's pictures again."""

import argparse

from .flags import SUB_PARSERS, text
from .output import say
from .scoring import dataset_of, score_all


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "plot", help="draw a run's pictures again", description="Curves, confusion, mistakes, attention and positions."
    )
    parser.add_argument("folder", metavar="RUN", help="run folder")
    parser.add_argument("--split", choices=("test", "dev", "train"), default="test", help="(default: test)")
    parser.add_argument("--data-dir", type=text, metavar="DIR", help="the data set's folder (default: the run's own)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..training import load_classifier
    from ..training.figures import draw_figures
    from ..training.run import read_metrics, run_folder

    model, fed = load_classifier(options.folder)
    folder = run_folder(options.folder)
    epochs = read_metrics(folder)
    dataset = dataset_of(fed, options.folder, options.split, options.data_dir)
    split, scores = score_all(model, fed, dataset, options.split)
    for path in draw_figures(folder, epochs, model, dataset, split, scores):
        say(path)
    return 0
