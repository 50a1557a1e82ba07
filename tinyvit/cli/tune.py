"""`tinyvit tune --space lr=1e-4..1e-2:log --trials 30`: search for good hyperparameters."""

import argparse
import dataclasses
import functools
import importlib.util
from pathlib import Path
from typing import Any

from ..errors import UserError
from .bar import progress_bar
from .flags import SUB_PARSERS, add_track_flag, count, text
from .output import say
from .train import add_run_flags, check_flags, given_flags


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "tune",
        usage="tinyvit tune --space NAME=VALUES [--space ...] [--trials N] [--output FOLDER] [any flag of train below]",
        help="search for good hyperparameters",
        description="Hyperparameter search by Optuna (TPE, median pruning). Each trial is a training run, compared on "
        "the dev (validation) split; the winner is trained with other seeds and only then tested. Start the same "
        "command several times to search with several processes; start it again to go on.",
    )
    parser.add_argument(
        "--space",
        action="append",
        metavar="NAME=VALUES",
        help="an option of train and its range or choices: lr=1e-4..1e-2:log, depth=2..6, patch_size=4,7,14; repeat it",
    )
    parser.add_argument(
        "--trials",
        type=count,
        help="trials that are finished, pruned or failed in the end (default: 30; with --resume, as before)",
    )
    parser.add_argument(
        "--winner-seeds",
        type=count,
        help="other seeds that the winner is trained with (default: 2; with --resume, as before)",
    )
    parser.add_argument(
        "--prune",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="median pruning: stop a trial early that is worse than the median of others at its epoch (default: True)",
    )
    parser.add_argument("--output", type=text, help="folder of the search (else the next free runs/tune-<number>)")
    parser.add_argument(
        "--resume", type=text, metavar="FOLDER", help="resume a search, or join it with one more process"
    )
    add_track_flag(parser, resumed="none, unless given again")
    add_run_flags(parser, skip=("output", "distributed"))
    parser.set_defaults(run=run, saves=True)


def run(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("optuna") is None:
        raise UserError("a search needs Optuna, which is not installed: python -m pip install 'tinyvit[tune]'")
    from ..storage.run_folder import new_numbered
    from ..training.tracking import tracked
    from ..tuning.search import search
    from ..tuning.settings import read_settings

    track = functools.partial(tracked, names=options.track or ())
    track(None)  # says what is missing, before a folder is made
    if options.resume:
        folder = Path(options.resume)
        settings = read_settings(folder)
        changed = list(_run_flags(options))
        changed += [name for name in ("space", "winner_seeds", "output", "preset") if getattr(options, name)]
        changed += ["recipe"] * (options.recipe != "default") + ["task"] * (options.task != "classify")
        if changed:
            raise UserError(
                "--resume goes on as the search began, so only --trials, --prune and --track may be given with it, got "
                f"also: {', '.join(changed)}; start a new search to change settings"
            )
        settings = dataclasses.replace(settings, trials=options.trials or settings.trials)
    else:
        settings = _settings(options)
        settings.dimensions()  # says what is wrong with them, before a folder is made
        folder = Path(options.output) if options.output else new_numbered("tune")
    say(f"search in {folder}: {settings.trials} trials over {', '.join(settings.space)}")
    search(settings, folder, pruning=options.prune, progress=progress_bar, say=say, track=track)
    return 0


def _run_flags(options: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in given_flags(options).items() if name != "output"}


def _settings(options: argparse.Namespace) -> Any:
    """The search that the flags ask for.

    Raises:
        UserError: a range or an option makes no sense.
    """
    from ..tuning.settings import Settings

    check_flags(options)
    space: dict[str, str] = {}
    for given in options.space or ():
        name, sign, values = given.partition("=")
        name = name.strip().replace("-", "_")
        if not (sign and name and values.strip()):
            raise UserError(f"--space {given}: write NAME=VALUES, such as lr=1e-4..1e-2:log or patch_size=4,7")
        if name in space:
            raise UserError(f"--space {name} is given twice: leave one of them out")
        space[name] = values.strip()
    return Settings(
        space, options.recipe, options.task, options.preset, _run_flags(options), options.trials or 30,
        options.winner_seeds or 2,
    )  # fmt: skip
