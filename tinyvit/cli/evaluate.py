"""`tinyvit eval MODEL`: evaluate a trained model on a split."""

import argparse
import time
from pathlib import Path

from .flags import SUB_PARSERS, add_download_flag, add_strict_flag, count, text
from .guesses import add_threshold_flag, load_classifier_for
from .multi_label_predictions import predictions_table
from .output import printable, say
from .scoring import add_split_flags, measured, score_all
from .task_runs import evaluate_task


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "eval",
        help="evaluate a trained model",
        description="Accuracy, loss, a report per class, confusion and calibration on one split of MNIST, or of a "
        "folder of images whose folders have the names of the model's classes. Of a multi-label model: precision, "
        "recall, F1 and average precision of each class.",
    )
    parser.add_argument("folder", metavar="MODEL", help="run, folder of a model, or .npz file")
    add_download_flag(parser)
    add_split_flags(parser)
    add_threshold_flag(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: auto)")
    parser.add_argument("--batch-size", type=count, metavar="N", help="images per forward (default: what fits)")
    parser.add_argument("--csv", type=text, metavar="FILE", help="write every prediction to a CSV table")
    add_strict_flag(parser)
    parser.add_argument(
        "--figures",
        nargs="?",
        const="",
        metavar="DIR",
        help="draw confusion matrix, mistakes and reliability diagram (default place: MODEL/figures)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..backend import resolve_device
    from ..datasets.left_out import forbid, some
    from ..evaluation.figures import draw_evaluation
    from ..storage.run_folder import figures_folder
    from ..tasks.model_files import read_task_config

    if config := read_task_config(options.folder):
        return evaluate_task(options, config)
    device = resolve_device(options.device)
    model, preprocessing = load_classifier_for(options)
    chosen = measured(preprocessing, options)
    forbid(chosen.left_out * options.strict)
    started = time.perf_counter()
    with predictions_table(preprocessing, options.csv, labelled=True) as table:
        split, result, blank = score_all(model.to(device), preprocessing, chosen, table, options.batch_size)
        forbid((len(chosen.split) - len(split) + len(blank)) * options.strict)
    seconds = time.perf_counter() - started
    total, read = len(chosen.split), len(split)

    say(f"{chosen.words}, {read:,} images: {result.in_words}")
    if result.details:
        say(result.details)
    say(f"{read / seconds:,.1f} images per second, from reading them to their classes")
    if read < total:
        say(f"left out, as they cannot be read: {total - read:,} of {total:,} images")
    if blank:
        say(f"transparent, and nothing can be seen of them: {len(blank):,} images ({some(blank)})")
    say("\n" + result.report([*map(printable, preprocessing.class_names)], in_full=True))
    if options.csv:
        say(options.csv)
    if options.figures is not None:
        folder = Path(options.figures) if options.figures else figures_folder(options.folder)
        for path in draw_evaluation(folder, preprocessing.class_names, split, result):
            say(path)
    return 0
