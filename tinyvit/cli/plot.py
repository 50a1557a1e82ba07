"""`tinyvit plot RUN`: draw a run's pictures again."""

import argparse

from .flags import SUB_PARSERS


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "plot", help="draw a run's pictures again", description="Curves, confusion, mistakes, attention and positions."
    )
    parser.add_argument("folder", metavar="RUN", help="run folder")
    parser.add_argument("--split", choices=("test", "dev", "train"), default="test", help="(default: test)")
    parser.add_argument("--data-dir", help="folder with the data set's files")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..training import evaluate, load_trained
    from ..training.figures import draw_figures
    from ..training.run import read_metrics, run_folder
    from ..training.trained import load_its_dataset

    model, fed = load_trained(options.folder)
    folder = run_folder(options.folder)
    epochs = read_metrics(folder)
    dataset = load_its_dataset(fed, data_dir=options.data_dir)
    split = getattr(dataset, options.split)
    for path in draw_figures(folder, epochs, model, dataset, split, evaluate(model, split, dataset)):
        print(path)
    return 0
