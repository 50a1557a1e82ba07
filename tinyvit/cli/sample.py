"""`tinyvit sample RUN`: images made by a run of `tinyvit train --task generate`."""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from .flags import SUB_PARSERS, count, text
from .output import say

MAX_IMAGES = 10_000  # on a sheet
MAX_GUIDANCE = 100.0
MAX_STEPS = 9_999  # as in training
MAX_SEED = 2**64
STRIP_ROWS = 10


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "sample",
        help="make images of a class",
        description="Sampling from a generative model, a run of tinyvit train --task generate: images from noise, each "
        "of the class that is asked for, on one sheet.",
    )
    parser.add_argument("folder", metavar="RUN", help="run of tinyvit train --task generate")
    parser.add_argument(
        "--label", type=text, nargs="+", metavar="CLASS", help="classes by name (default: the classes in turn)"
    )
    parser.add_argument("-n", "--number", type=count, default=64, metavar="N", help="images in all (default: 64)")
    parser.add_argument(
        "--guidance", type=float, metavar="G", help="classifier-free guidance; 1: none (default: the run's)"
    )
    parser.add_argument(
        "--steps", type=count, metavar="N", help="Euler steps from noise to an image (default: the run's)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="SEED", help="random seed of the noise (default: 0)")
    parser.add_argument("--output", type=text, metavar="FILE", help="PNG file (default: the run's figures/samples.png)")
    parser.add_argument("--strip", type=text, metavar="FILE", help="PNG file of the way from noise to images, too")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: auto)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..backend import generator, resolve_device
    from ..evaluation.sampling import sample, ways_of
    from ..plots.figure import save_figure
    from ..plots.samples import plot_denoising, save_sheet
    from ..storage.run_folder import figures_folder
    from ..tasks.generate import check_guided, load_generator

    target = options.output or str(figures_folder(options.folder) / "samples.png")
    _check(options, target)
    config, model, names = load_generator(options.folder)
    labels = chosen_labels(options.label, names, options.number)
    model = model.to(resolve_device(options.device))
    noise = generator(options.seed, "sample").standard_normal((len(labels), *model.config.input_shape))
    steps = options.steps or config.steps
    guidance = config.guidance if options.guidance is None else options.guidance
    check_guided(config, guidance)
    images = sample(model, labels, noise, steps=steps, guidance=guidance)
    save_sheet(images, target)
    settings = f"{steps} steps, guidance {guidance:g}, seed {options.seed}"
    say(f"{len(images):,} images ({settings}): {target}")
    if options.strip:
        first = slice(STRIP_ROWS)
        ways, times = ways_of(model, labels[first], noise[first], steps=steps, guidance=guidance)
        shown = [names[k] for k in labels[first]]
        figure = plot_denoising(ways, times, shown, title="From noise to an image", subtitle=settings)
        save_figure(figure, options.strip)
        say(f"the way to the first {len(ways)}: {options.strip}")
    return 0


def _check(options: argparse.Namespace, target: str) -> None:
    """Check the flags before anything is loaded.

    Raises:
        UserError: a number is out of its range, or a file has another ending than .png.
    """
    if options.number > MAX_IMAGES:
        raise UserError(f"at most {MAX_IMAGES:,} images go on a sheet, got {options.number:,}: make several")
    if options.guidance is not None and not 0 <= options.guidance <= MAX_GUIDANCE:
        raise UserError(f"--guidance must be from 0 to {MAX_GUIDANCE:g}, got {options.guidance:g}: 2 is usual")
    if not 0 <= options.seed < MAX_SEED:
        raise UserError(f"--seed must be a whole number from 0 to {MAX_SEED - 1}, got {options.seed}: choose another")
    if (options.steps or 0) > MAX_STEPS:
        raise UserError(f"--steps must be from 1 to {MAX_STEPS:,}, got {options.steps:,}: 30 are usual")
    for name in filter(None, (target, options.strip)):
        if Path(name).suffix.lower() != ".png":
            raise UserError(f"images are written as PNG, got the file name {name}: let it end in .png")
    if options.strip and Path(target).resolve() == Path(options.strip).resolve():
        raise UserError(f"--output and --strip are the same file, {target}: give two names")


def chosen_labels(wanted: Sequence[str] | None, class_names: Sequence[str], number: int) -> np.ndarray:
    """Classes of `number` images, int64: those wanted, by name, in turn; all in turn where none is.

    Raises:
        UserError: there is no such class.
    """
    from ..datasets.class_names import same
    from ..datasets.left_out import some

    known = {same(name): k for k, name in enumerate(class_names)}
    if unknown := [name for name in wanted or () if same(name) not in known]:
        raise UserError(f"there is no class {some(unknown)}: the classes are {some(class_names)}")
    classes = [known[same(name)] for name in wanted] if wanted else range(len(class_names))
    return np.fromiter(itertools.islice(itertools.cycle(classes), number), np.int64, number)
