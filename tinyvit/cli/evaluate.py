"""`tinyvit eval MODEL`: how good a trained model is on a split."""

import argparse
import time
from pathlib import Path

from .flags import SUB_PARSERS, add_download_flag, count, text
from .output import printable, say
from .predictions import PredictionsTable
from .scoring import dataset_of, score_all


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "eval",
        help="measure a trained model",
        description="Accuracy, loss, a report per class, confusion and calibration on one split of MNIST, or of a "
        "folder of pictures whose folders are called as the model's classes.",
    )
    parser.add_argument("folder", metavar="MODEL", help="run, folder of a model, or .npz file")
    add_download_flag(parser)
    parser.add_argument("--split", choices=("test", "dev", "train"), default="test", help="(default: test)")
    parser.add_argument("--data-dir", type=text, metavar="DIR", help="the data set's folder (default: the run's own)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: auto)")
    parser.add_argument("--batch-size", type=count, metavar="N", help="images at once (default: what fits)")
    parser.add_argument("--csv", type=text, metavar="FILE", help="write every prediction to a table")
    parser.add_argument(
        "--figures",
        nargs="?",
        const="",
        metavar="DIR",
        help="draw confusion, mistakes and reliability (default place: MODEL/figures)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..backend import resolve_device
    from ..pretrained import resolve_model
    from ..training import classification_report, load_classifier
    from ..training.figures import draw_evaluation
    from ..training.report import confusion_by_name, confusion_text
    from ..training.run import figures_folder

    device = resolve_device(options.device)
    options.folder = resolve_model(options.folder, download=options.download)
    model, fed = load_classifier(options.folder)
    dataset = dataset_of(fed, options.folder, options.split, options.data_dir)
    started = time.perf_counter()
    with PredictionsTable(options.csv, fed.class_names, labelled=True) as table:
        split, scores = score_all(model.to(device), fed, dataset, options.split, table, options.batch_size)
    seconds = time.perf_counter() - started
    total, read, num_classes = len(getattr(dataset, options.split)), len(split), len(fed.class_names)

    say(f"{options.split} split of {printable(dataset.name)}, {read:,} images: ", end="")
    say(f"accuracy {100 * scores.top(1):.2f} %, loss {scores.loss:.4f}")
    top_5 = f"top-5 accuracy {100 * scores.top(5):.2f} %, " if num_classes > 5 else ""
    error = 100 * scores.calibration.error
    say(f"{top_5}expected calibration error {error:.2f} % ({len(scores.calibration.counts)} bins)")
    say(f"{read / seconds:,.1f} images per second, from reading them to their classes")
    if read < total:
        say(f"left out, as they cannot be read: {total - read:,} of {total:,} pictures")
    confusion, names = confusion_by_name(split.labels, scores.predictions, [*map(printable, fed.class_names)])
    say(f"\n{classification_report(confusion, names)}\n{confusion_text(confusion, names)}")
    if options.csv:
        say(options.csv)
    if options.figures is not None:
        folder = Path(options.figures) if options.figures else figures_folder(options.folder)
        for path in draw_evaluation(folder, fed.class_names, split, scores):
            say(path)
    return 0
