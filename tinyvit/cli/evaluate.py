"""`tinyvit eval MODEL`: how good a trained model is on a split."""

import argparse
import time
from pathlib import Path

from .flags import SUB_PARSERS, add_download_flag, add_strict_flag, count, text
from .output import printable, say
from .predictions import PredictionsTable
from .scoring import add_split_flags, measured, score_all


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "eval",
        help="measure a trained model",
        description="Accuracy, loss, a report per class, confusion and calibration on one split of MNIST, or of a "
        "folder of pictures whose folders are called as the model's classes.",
    )
    parser.add_argument("folder", metavar="MODEL", help="run, folder of a model, or .npz file")
    add_download_flag(parser)
    add_split_flags(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: auto)")
    parser.add_argument("--batch-size", type=count, metavar="N", help="images at once (default: what fits)")
    parser.add_argument("--csv", type=text, metavar="FILE", help="write every prediction to a table")
    add_strict_flag(parser)
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
    from ..datasets.left_out import forbid, some
    from ..pretrained import resolve_model
    from ..training import classification_report, load_classifier
    from ..training.figures import draw_evaluation
    from ..training.report import confusion_by_name, confusion_text
    from ..training.run import figures_folder

    device = resolve_device(options.device)
    options.folder = resolve_model(options.folder, download=options.download)
    model, fed = load_classifier(options.folder)
    chosen = measured(fed, options.folder, options.split, options.data_dir)
    forbid(chosen.left_out * options.strict)
    started = time.perf_counter()
    with PredictionsTable(options.csv, fed.class_names, labelled=True) as table:
        split, scores, blank = score_all(model.to(device), fed, chosen, table, options.batch_size)
        forbid((len(chosen.split) - len(split) + len(blank)) * options.strict)
    seconds = time.perf_counter() - started
    total, read, num_classes = len(chosen.split), len(split), len(fed.class_names)

    say(f"{chosen.words}, {read:,} images: ", end="")
    say(f"accuracy {100 * scores.top(1):.2f} %, loss {scores.loss:.4f}")
    top_5 = f"top-5 accuracy {100 * scores.top(5):.2f} %, " if num_classes > 5 else ""
    error = 100 * scores.calibration.error
    say(f"{top_5}expected calibration error {error:.2f} % ({len(scores.calibration.counts)} bins)")
    say(f"{read / seconds:,.1f} images per second, from reading them to their classes")
    if read < total:
        say(f"left out, as they cannot be read: {total - read:,} of {total:,} pictures")
    if blank:
        say(f"transparent, and nothing can be seen of them: {len(blank):,} pictures ({some(blank)})")
    confusion, names = confusion_by_name(split.labels, scores.predictions, [*map(printable, fed.class_names)])
    say(f"\n{classification_report(confusion, names)}\n{confusion_text(confusion, names)}")
    if options.csv:
        say(options.csv)
    if options.figures is not None:
        folder = Path(options.figures) if options.figures else figures_folder(options.folder)
        for path in draw_evaluation(folder, fed.class_names, split, scores):
            say(path)
    return 0
