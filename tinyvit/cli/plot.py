"""`tinyvit plot RUN`: draw a run's pictures again."""

import argparse
import json
from pathlib import Path

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
    from ..datasets import load_dataset
    from ..training import evaluate, load_trained
    from ..training.figures import draw_figures

    folder = Path(options.folder)
    model, fed = load_trained(folder)
    dataset = load_dataset(fed.dataset, data_dir=options.data_dir)
    split = getattr(dataset, options.split)
    metrics = folder / "metrics.jsonl"
    epochs = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.is_file() else []
    for path in draw_figures(folder, epochs, model, dataset, split, evaluate(model, split, dataset)):
        print(path)
    return 0
