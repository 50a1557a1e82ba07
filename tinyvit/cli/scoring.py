"""Evaluate a model on a split and print what comes of it: shared by `tinyvit eval` and `tinyvit plot`."""

import argparse
from collections import Counter
from typing import Any

from ..errors import UserError
from .bar import image_bar
from .flags import text
from .output import complain, say
from .predictions import PredictionsTable

MAX_KINDS = 5  # of what was done to images


def add_split_flags(parser: argparse._ActionsContainer) -> None:
    """Add the flags that choose the images to evaluate on."""
    parser.add_argument(
        "--split",
        type=_split_called,
        choices=("train", "dev", "test", "all"),
        metavar="SPLIT",
        help="split: train, dev (validation; val is the same), test, or all (default: test; all of a folder without "
        "splits, unless the run was made from it)",
    )
    parser.add_argument("--data-dir", type=text, metavar="DIR", help="folder of the data set (default: the run's own)")
    parser.add_argument(
        "--labels", type=text, metavar="FILE", help="multi-label models: table of class names, as for finetune"
    )


def _split_called(name: str) -> str:
    from ..datasets.split_names import split_called

    return split_called(name)


def measured(preprocessing: Any, options: argparse.Namespace) -> Any:
    """`evaluation.split.choose_split`; what the user should know is printed."""
    from ..evaluation.split import choose_split

    return choose_split(
        preprocessing,
        options.folder,
        split=options.split,
        data_dir=options.data_dir,
        labels=options.labels,
        note=lambda sentence: say(f"note: {sentence}"),
    )


def score_all(
    model: Any, preprocessing: Any, measured: Any, table: PredictionsTable | None = None, batch_size: int | None = None
) -> Any:
    """`evaluation.evaluate.evaluate_images` of what is measured, with a progress bar and, in `table`, all answers.

    Returns:
        The part of the split that could be read, the scores, and the files of transparent images that show nothing.
    """
    from ..evaluation.evaluate import evaluate_images

    split = measured.split
    files = getattr(split.images, "paths", None)
    blank = []
    done: Counter[str] = Counter()
    with image_bar(len(split)) as bar:

        def each(row: int, answer: Any) -> None:
            bar.update()
            if isinstance(answer, UserError):
                complain(str(answer))
                return
            file = files[row] if files else f"{measured.dataset.name}/{measured.name}/{row}"
            if answer.prepared.is_blank:
                blank.append(str(file))
            else:
                done[answer.prepared.done] += 1
            if table is not None:
                table.add(file, answer.probs, split.labels[row])

        read, scores = evaluate_images(model, preprocessing, split, batch_size=batch_size, each=each)
    for what, count in done.most_common(MAX_KINDS):
        if what:
            say(f"note: {count:,} image{'s' * (count > 1)}: {what}")
    return read, scores, blank
