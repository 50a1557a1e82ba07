"""`tinyvit predict MODEL IMAGE_OR_FOLDER ...`: classify your own images, or find masks or boxes in them."""

import argparse
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .bar import image_bar
from .flags import SUB_PARSERS, add_download_flag, add_strict_flag, count, text
from .guesses import add_threshold_flag, guess, in_words, load_classifier_for
from .multi_label_predictions import predictions_table
from .output import complain, printable, say
from .read_digits import draw_page, draw_steps, forbid_explaining, in_lines, refusal
from .task_predictions import predict_task
from .text_predictions import predict_texts

MAX_NAME_LENGTH = 160  # bytes of an image's name in that of its figure; file systems take 255 in all


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "predict",
        help="classify images, or find masks or boxes in them",
        description="Classify images of any size and colour, best guess first; with a model that a task has trained, "
        "find the class of each pixel, or boxes; or, in text files, names or good and bad words.",
    )
    parser.add_argument("folder", metavar="MODEL", help="run, folder of a model, or .npz file")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="image files, or folders of them")
    add_download_flag(parser)
    parser.add_argument("--top-k", type=int, default=5, metavar="K", help="top-k: guesses to print (default: 5)")
    add_threshold_flag(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: auto)")
    parser.add_argument("--batch-size", type=count, metavar="N", help="images per forward (default: what fits)")
    parser.add_argument("--csv", type=text, metavar="FILE", help="write every prediction to a CSV table, too")
    add_strict_flag(parser)
    parser.add_argument(
        "--plot", action="store_true", help="save attention maps (of a task: masks or boxes) in MODEL/figures"
    )
    parser.add_argument(
        "--explain", type=text, metavar="OUT", help="models of digits: draw into this folder how each digit was found"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..backend import resolve_device
    from ..datasets.left_out import forbid, some
    from ..evaluation.answers import answers, read_images
    from ..evaluation.pages import DigitReader
    from ..evaluation.predict import NoAnswerError
    from ..tasks.model_files import read_task_config

    if options.top_k < 1:
        raise UserError(f"--top-k must be at least 1, got {options.top_k}")
    device = resolve_device(options.device)
    if config := read_task_config(options.folder):
        if config.model.stem == "words":
            return predict_texts(options, config)
        paths, failed, left_out = _files(options.images)
        forbid(left_out if options.strict else 0)
        unreadable = predict_task(options, config, paths, _figure_names(paths))
        forbid(unreadable * options.strict)
        return 2 if failed or unreadable else 0
    model, preprocessing = load_classifier_for(options)
    if options.explain:
        forbid_explaining(preprocessing)
    if options.plot and not model.config.depth:
        raise UserError(f"{options.folder} has no blocks, so there is no attention to draw: leave out --plot")
    paths, failed, left_out = _files(options.images)
    forbid(left_out if options.strict else 0)
    unreadable, blank = 0, []
    reader = DigitReader(model, preprocessing, complain)
    figure_names = _figure_names(paths) if options.plot or options.explain else [""] * len(paths)
    prepared = read_images(preprocessing, paths)
    seen = answers(
        model.to(device),
        prepared,
        preprocessing.mean,
        preprocessing.std,
        batch_size=options.batch_size,
        multi_label=preprocessing.multi_label,
    )
    with predictions_table(preprocessing, options.csv, labelled=False) as table, image_bar(len(paths)) as bar:
        for path, figure_name, answer in zip(paths, figure_names, seen, strict=True):
            if isinstance(answer, UserError):  # the other images still get their answer
                complain(f"{path}: {answer}" if isinstance(answer, NoAnswerError) else str(answer))
                unreadable += 1
            else:
                blank += [path] * answer.prepared.is_blank
                found = answer.prepared.found
                page = reader.read(found.digits) if found else None
                is_refused = page is not None and page.shows_no_digit
                unreadable += is_refused
                for probs in [] if is_refused else [answer.probs] if page is None else page.probs:
                    table.add(path, probs)
                _tell(model, preprocessing, path, answer, page, figure_name, options)
            bar.update()
        if unreadable > 1:
            complain(f"{unreadable:,} of {len(paths):,} images got no answer")
        if blank:
            plural = "s" * (len(blank) > 1)
            complain(f"of {len(blank):,} transparent image{plural} nothing can be seen: {some(map(str, blank))}")
        forbid((unreadable + len(blank)) * options.strict)
    return 2 if failed or unreadable else 0


def _files(images: Sequence[str]) -> tuple[list[Path], int, int]:
    """The image files, in order, those of folders sorted; how many folders had none, of which is complained; and how
    many files were left out of folders, which is told.
    """
    from ..datasets.left_out import LeftOut

    paths: list[Path] = []
    failed = passed_over = 0
    for path in map(Path, images):
        left_out = LeftOut(path)
        try:
            found = list(left_out.images_in(path)) if path.is_dir() else [path]
            for note in left_out.notes():
                complain(note)
            passed_over += left_out.count
            if not found:
                raise UserError(f"{path} holds no images: give another folder, or the files themselves")
            paths += found
        except UserError as error:
            complain(str(error))
            failed += 1
    return paths, failed, passed_over


def _figure_names(paths: Sequence[Path]) -> list[str]:
    """A name for each image's figure, all different: a/p.png and b/p.png become predict-p.png and predict-p-2.png."""
    names: dict[str, None] = {}  # in order, and quick to look up
    for path in paths:
        stem = os.fsencode(path.stem)[:MAX_NAME_LENGTH].decode(errors="ignore")
        candidates = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        names[next(name for stem in candidates if (name := f"predict-{stem}.png") not in names)] = None
    return list(names)


def _tell(model: Any, preprocessing: Any, path: Path, answer: Any, page: Any, figure_name: str, options: Any) -> None:
    """The best guesses, what was done to the image if it was unusual, and where its figures are."""
    from tqdm.std import tqdm

    from ..storage.run_folder import figures_folder

    if page is not None and page.shows_no_digit:
        complain(refusal(path, page))
        lines = []
    elif page is not None:
        lines = in_lines(preprocessing, path, page, answer.prepared.found.done, options.top_k)
    else:
        lines = [f"{path}: {in_words(preprocessing, answer.probs, options.top_k)}"]
        if answer.prepared.done:
            lines.append(f"  {answer.prepared.done}")
    if options.explain:
        target = Path(options.explain) / figure_name.replace("predict-", "explain-", 1)
        draw_steps(preprocessing, path, page, answer.prepared.found.steps, target)
        lines.append(f"  {target}")
    if options.plot and page is not None and len(page.digits) > 1:
        target = figures_folder(options.folder) / figure_name
        draw_page(preprocessing, path, page, target)
        lines.append(f"  {target}")
    elif options.plot:
        target, best = (
            figures_folder(options.folder) / figure_name,
            guess(preprocessing, answer.probs, answer.probs.argmax()),
        )
        _plot(model, preprocessing, answer.prepared.image, f"{path.name}: {best}", target)
        lines.append(f"  {target}")
    with tqdm.external_write_mode():
        for line in lines:
            say(printable(line))


def _plot(model: Any, preprocessing: Any, image: np.ndarray, title: str, target: Path) -> None:
    from ..backend import to_device
    from ..datasets import normalize
    from ..plots import plot_overlay, save_figure

    x = normalize(image[None], preprocessing.mean, preprocessing.std, model.dtype)
    figure = plot_overlay(
        image,
        model.attention(to_device(x, model.device)),
        grid=model.config.grid_size,
        num_prefix=model.config.num_prefix_tokens,
        class_token=model.config.class_token,
        title=title,
    )
    save_figure(figure, target)
