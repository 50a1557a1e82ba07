"""`tinyvit eval RUN`: how good a trained model is on a split."""

import argparse

from .flags import SUB_PARSERS


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "eval", help="measure a trained model", description="Accuracy, loss and a report per class on one split."
    )
    parser.add_argument("folder", metavar="RUN", help="run folder, or the folder of a model")
    parser.add_argument("--split", choices=("test", "dev", "train"), default="test", help="(default: test)")
    parser.add_argument("--data-dir", help="folder with the data set's files")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: auto)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..backend import resolve_device
    from ..training import classification_report, confusion_matrix, evaluate, load_trained
    from ..training.trained import load_its_dataset

    device = resolve_device(options.device)
    model, fed = load_trained(options.folder)
    dataset = load_its_dataset(fed, data_dir=options.data_dir)
    split = getattr(dataset, options.split)
    result = evaluate(model.to(device), split, dataset)
    confusion = confusion_matrix(split.labels, result.predictions, len(dataset.class_names))
    print(f"{options.split} split of {dataset.name}, {len(split):,} images: ", end="")
    print(f"accuracy {100 * result.accuracy:.2f} %, loss {result.loss:.4f}\n")
    print(classification_report(confusion, dataset.class_names))
    return 0
