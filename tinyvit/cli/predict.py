"""`tinyvit predict RUN image.png ...`: what a trained model sees in your own pictures."""

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .flags import SUB_PARSERS


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "predict", help="classify pictures", description="Classify pictures of any size and colour, best guess first."
    )
    parser.add_argument("folder", metavar="RUN", help="run folder, or the folder of a model")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="picture files")
    parser.add_argument("--top-k", type=int, default=3, metavar="K", help="guesses to print (default: 3)")
    parser.add_argument("--plot", action="store_true", help="save what the model looked at, in RUN/figures")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..training import load_trained

    if options.top_k < 1:
        raise UserError(f"--top-k must be at least 1, got {options.top_k}")
    model, fed = load_trained(options.folder)
    if options.plot and not model.config.depth:
        raise UserError(f"{options.folder} has no blocks, so there is no attention to draw: leave out --plot")
    paths = [Path(image) for image in options.images]
    failed = 0
    for path, figure_name in zip(paths, _figure_names(paths), strict=True):
        try:
            _predict(model, fed, path, figure_name, options)
        except UserError as error:  # the other pictures still get their answer
            print(f"tinyvit: {error}", file=sys.stderr)
            failed += 1
    return 2 if failed else 0


def _figure_names(paths: Sequence[Path]) -> list[str]:
    """A name for each picture's figure, all different: a/p.png and b/p.png become predict-p.png and predict-p-2.png."""
    names: list[str] = []
    for path in paths:
        candidates = itertools.chain([path.stem], (f"{path.stem}-{number}" for number in itertools.count(2)))
        names.append(next(name for stem in candidates if (name := f"predict-{stem}.png") not in names))
    return names


def _predict(model: Any, fed: Any, path: Path, figure_name: str, options: argparse.Namespace) -> None:
    from ..datasets.own_image import prepare_digit, prepare_picture, read_image
    from ..training import predict_probs
    from ..training.run import run_folder

    config = model.config
    picture = read_image(path)
    try:
        if fed.dataset == "mnist":
            image, what_was_done = prepare_digit(picture, size=config.image_shape)
        else:
            image, what_was_done = prepare_picture(picture, size=config.image_shape, channels=config.in_chans)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    probs = predict_probs(model, image[None], fed.mean, fed.std)[0]
    best = np.argsort(-probs)[: options.top_k]
    print(f"{path}: " + ", ".join(f"{fed.class_names[k]} ({100 * probs[k]:.1f} %)" for k in best))
    print(f"  {what_was_done}")
    if options.plot:
        target = run_folder(options.folder) / "figures" / figure_name
        _plot(model, fed, image, f"{path.name}: {fed.class_names[best[0]]} ({100 * probs[best[0]]:.1f} %)", target)
        print(f"  {target}")


def _plot(model: Any, fed: Any, image: np.ndarray, title: str, target: Path) -> None:
    from ..datasets import normalize
    from ..plots import plot_overlay, save_figure

    maps = model.attention(normalize(image[None], fed.mean, fed.std, model.cls_token.dtype))
    figure = plot_overlay(
        image,
        maps,
        grid=model.config.grid_size,
        num_prefix=model.config.num_prefix_tokens,
        title=title,
    )
    save_figure(figure, target)
