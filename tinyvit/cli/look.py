"""`tinyvit look [MODEL]`: a live page of a model at work; `--score RUN`: how well maps of what it looks at agree."""

import argparse
import contextlib
import threading
from pathlib import Path

from ..errors import UserError
from .browser import opens, port
from .flags import SUB_PARSERS, add_download_flag, count, find_model
from .look_scores import print_scores
from .output import complain, say
from .scoring import add_split_flags

SCORING = {"number": "-n", "window": "--window", "split": "--split", "data_dir": "--data-dir", "labels": "--labels"}
NUMBER = 200  # images that are scored


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "look",
        help="open a live page of a model at work, or score attribution maps",
        description="Open a page in the browser, from a server on this machine alone: draw an image, and see the "
        "classifier's attention, attribution maps, residual stream and backward pass. With --score: attribution maps "
        "(attention, attention rollout, relevance, input gradient, gradient x input), scored on the images of a split: "
        "rank correlation with covering (occlusion), and areas under the deletion and insertion curves.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="MODEL",
        help="run, folder of a model, or .npz file (default: the shipped one, data/mnist-vit)",
    )
    parser.add_argument(
        "--watch",
        metavar="RUN",
        help="show a training run in the page as it happens: learning curves, attention by epoch",
    )
    parser.add_argument(
        "--static", metavar="OUT", help="write the page into a folder for any web server, or to be opened from disk"
    )
    parser.add_argument(
        "--port", type=port, metavar="PORT", help="port of the page (default: 8017; a free one where that is taken)"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the page's address, and open no browser")
    parser.add_argument("--score", action="store_true", help="score the attribution maps, and open no page")
    group = parser.add_argument_group("scores", "Flags of --score.")
    group.add_argument(
        "-n",
        "--number",
        type=count,
        metavar="N",
        help=f"images in all (default: {NUMBER}; fewer where the split has no more)",
    )
    group.add_argument(
        "--window",
        type=count,
        metavar="N",
        help="patches along a side of what is covered at a time (default: what fits)",
    )
    add_split_flags(group)
    add_download_flag(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:<index> (default: auto)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    given = [flag for name, flag in SCORING.items() if getattr(options, name) is not None]
    if given and not options.score:
        raise UserError(f"{given[0]} is a flag of scoring: leave it out, or use tinyvit look --score RUN")
    if options.score:
        if options.watch or options.static is not None or options.port is not None or options.no_browser:
            raise UserError("--score opens no page: leave out --watch, --static, --port and --no-browser")
        if options.folder is None:
            raise UserError("scores are of a model: give one, tinyvit look --score RUN")
        options.number = options.number or NUMBER
        print_scores(options)
    elif options.static is not None:
        _write_static(options)
    else:
        _serve(options)
    return 0


def _write_static(options: argparse.Namespace) -> None:
    """Write the page that needs no Python."""
    from ..page import open_studio
    from ..page.static import write_static

    if options.watch or options.port is not None:
        flag = "--watch" if options.watch else "--port"
        raise UserError(f"{flag} is for the page with Python, and --static writes one without: leave out one of them")
    size = write_static(open_studio(_model(options), note=complain), options.static)
    say(f"{options.static} holds the page, {size / 2**20:.1f} MiB: open its index.html, or copy it to a web server")


def _serve(options: argparse.Namespace) -> None:
    """Answer the page until Ctrl-C."""
    from ..backend import one_matrix_thread, resolve_device
    from ..page import PageServer, Watch, open_studio

    studio = open_studio(_model(options), device=resolve_device(options.device), note=complain)
    watch = Watch(options.watch) if options.watch else None
    with PageServer(studio, watch=watch, port=options.port, note=complain) as server:
        say(f"{studio.path} is at {server.address} (Ctrl-C ends it)")
        if not (options.no_browser or opens(server.address)):
            complain(f"no browser could be opened here: open {server.address} in one")
        # Shared among threads, products of small matrices take longer; on a busy machine, those of large ones, too.
        with one_matrix_thread(), contextlib.suppress(KeyboardInterrupt):
            if watch:
                watch.begin()
            threading.Thread(target=server.warm_up, daemon=True).start()
            server.serve_forever()
    say("the page is closed")


def _model(options: argparse.Namespace) -> Path:
    """The model that is asked for, or else the one that comes with a clone of the repository.

    Raises:
        UserError: none is asked for, and this is no clone.
    """
    from ..evaluation.judge import SHIPPED

    if options.folder:
        return find_model(options.folder, download=options.download)
    if not SHIPPED.is_dir():
        raise UserError(
            "there is no model here to look at (data/mnist-vit comes with a clone of the repository): give one, as "
            "tinyvit look MODEL"
        )
    return SHIPPED
