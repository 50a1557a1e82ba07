"""Scores of the maps of what a model looks at, as `tinyvit look --score RUN` prints them."""

import argparse
from typing import Any

import numpy as np

from ..errors import UserError
from .bar import image_bar
from .flags import find_model
from .output import complain, say
from .scoring import measured

SEED = 0  # of the random map


def print_scores(options: argparse.Namespace) -> None:
    """Print how far the maps of a classifier agree with covering, and their curves' areas."""
    from ..backend import resolve_device
    from ..looking import Windows
    from ..training import load_classifier

    device = resolve_device(options.device)
    options.folder = find_model(options.folder, download=options.download)
    _check_task(options.folder)
    model, preprocessing = load_classifier(options.folder)
    if preprocessing.assumption:
        complain(preprocessing.assumption)
    chosen = measured(preprocessing, options)
    windows = Windows(model.config.grid_size, options.window)
    scores = _scores(model.to(device), preprocessing, chosen.split.images, options.number, windows)
    n = len(next(iter(scores.values())))
    say(f"{chosen.words}, {n:,} of {len(chosen.split):,} images: what speaks for the class that the model answers?")
    say()
    for line in table(scores):
        say(line)
    say()
    what = "patch" if windows.size == 1 else f"window of {windows.size} x {windows.size} patches"
    say(f"agreement   rank correlation with covering, which paints over one {what} at a time; 1: the same order;")
    say("            mean ± standard deviation over the images")
    say("deletion    area under the class's probability while patches are painted over, a map's greatest first")
    say("insertion   the same while they come back to an image that is all paint")
    say("covering, chance: covering taken as a map itself, and a map of random values, to compare the others with")
    if preprocessing.is_drawing:
        say("paint       black; where an image is black already covering changes nothing, so such patches share a rank")
    else:
        say("paint       the mean colour, which is 0 in normalised images")


def table(scores: dict[str, np.ndarray]) -> list[str]:
    """Lines of a table: mean and deviation of the agreement of each map, and both areas, from (n, 3) for each."""
    width = max(map(len, scores))
    lines = [
        f"{'map':<{width}}   agreement with covering   deletion     insertion",
        f"{'':<{width}}   {'':<23}   (small: good) (large: good)",
    ]
    for name, values in scores.items():
        agreement = values[:, 0][~np.isnan(values[:, 0])]
        mean = f"{agreement.mean():5.2f} ± {agreement.std():.2f}" if len(agreement) else "no order to compare"
        lines.append(f"{name:<{width}}   {mean:<23}   {values[:, 1].mean():<11.3f}  {values[:, 2].mean():.3f}")
    return lines


def _scores(model: Any, preprocessing: Any, images: Any, number: int, windows: Any) -> dict[str, np.ndarray]:
    """(n, 3) for each map, of up to `number` images at equal distances in the split; those that cannot be read are left
    out, which is told.

    Raises:
        UserError: an answer is NaN, or no image can be read.
    """
    from ..backend import generator, to_device
    from ..datasets import normalize
    from ..evaluation.predict import NoAnswerError
    from ..looking import score_maps

    mean, std = preprocessing.mean, preprocessing.std
    fill = to_device(preprocessing.paint(model.config.in_chans, model.dtype), model.device)
    rng = generator(SEED, "look")
    rows = np.arange(min(number, len(images))) * len(images) // min(number, len(images))
    found = []
    with image_bar(len(rows)) as bar, np.errstate(all="ignore"):
        for row in rows:
            bar.update()
            try:
                image = normalize(images[row], mean, std, model.dtype)
            except UserError as error:
                complain(str(error))
                continue
            image = to_device(image, model.device)
            found.append(
                score_maps(model, image, fill=fill, rng=rng, windows=windows, multi_label=preprocessing.multi_label)
            )
            if not np.isfinite([score[1:] for score in found[-1].values()]).all():
                raise NoAnswerError
    if not found:
        raise UserError(f"none of the {len(rows):,} images can be read: look at the folder with tinyvit data check")
    return {name: np.array([scores[name] for scores in found]) for name in found[0]}


def _check_task(folder: Any) -> None:
    """Check that no other task than classification was saved with a model.

    Raises:
        UserError: one was.
    """
    from ..tasks.model_files import read_task_config

    if config := read_task_config(folder):
        raise UserError(
            f"{folder} is a model of the task {config.task}, and what is scored are maps of a classifier: give one "
            "that names the class of an image"
        )
