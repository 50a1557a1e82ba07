"""`tinyvit train`: from a data set to a trained model, a report and figures."""

import argparse
from collections.abc import Collection
from typing import Any

from ..errors import UserError
from .bar import progress_bar
from .finished import tell, what_next
from .flags import (
    SUB_PARSERS,
    add_flags,
    add_model_flags,
    add_strict_flag,
    add_task_flags,
    add_track_flag,
    given,
    text,
)
from .tracking import progress_of

MULTI_LABEL_FLAGS = {"--labels": "--labels FILE", "--multi-label": "--data-dir DIR --multi-label"}


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "train",
        usage="tinyvit train [--task TASK] [--recipe RECIPE] [--data-dir DIR] [--output RUN] [any other flag below]",
        help="train a model",
        description="Train a Vision Transformer. Without any flag: a tiny one, on MNIST. On other data, such as a "
        "folder of images in --data-dir, its --img-size, --patch-size, --in-chans and --num-classes follow the data "
        "where they are not given.",
    )
    add_run_flags(parser)
    parser.add_argument("--resume", type=text, metavar="RUN", help="resume a run that was stopped or killed")
    parser.add_argument("--overwrite", action="store_true", help="replace the run in --output")
    add_strict_flag(parser)
    add_track_flag(parser)
    for flag in MULTI_LABEL_FLAGS:  # of finetune, tried here, too
        parser.add_argument(flag, nargs="?", const="", help=argparse.SUPPRESS)
    parser.set_defaults(run=run, saves=True)


def add_run_flags(parser: argparse.ArgumentParser, *, skip: Collection[str] = ()) -> None:
    """Add all flags that describe a training run, but those of the fields in `skip`."""
    from ..config.tasks import CONFIGS
    from ..training.recipes import RECIPES

    usual = RECIPES["default"]
    parser.add_argument(
        "--recipe", choices=RECIPES, default="default", help="hyperparameters to start from (default: default)"
    )
    parser.add_argument(
        "--task",
        choices=CONFIGS,
        default="classify",
        help="learning task; each has defaults of its own (default: classify)",
    )
    parser.add_argument("--preset", type=text, help="architecture to start from (see tinyvit info)")
    whose = "the default recipe"
    training = parser.add_argument_group("training", f"The defaults shown are those of {whose}.")
    add_flags(training, usual, skip=("model", "task", *skip))
    add_task_flags(parser)
    add_model_flags(parser, usual.model, whose)


def run(options: argparse.Namespace) -> int:
    from ..tasks.fit import FREE
    from ..training import resume, train
    from ..training.recipes import configured

    for flag, usage in MULTI_LABEL_FLAGS.items():
        if getattr(options, flag[2:].replace("-", "_")) is not None:
            raise UserError(
                f"a model that is trained from scratch learns one class for each image, so there is no {flag}: for "
                f"several, fine-tune a pretrained one, tinyvit finetune --model MODEL {usage}"
            )
    progress = progress_of(options) if options.track or options.resume else progress_bar()
    if options.resume:
        free = {"data_dir", "device"}
        changed = [name for name in given_flags(options) if name not in free]
        changed += [name for name in ("overwrite", "preset", "strict") if getattr(options, name)]
        changed += ["recipe"] * (options.recipe != "default") + ["task"] * (options.task != "classify")
        if changed:
            raise UserError(
                "--resume goes on exactly as the run began, so only --data-dir, --device and --track may be given with "
                f"it, got also: {', '.join(changed)}; start a new run to change settings"
            )
        allowed = {name: value for name, value in given_flags(options).items() if name in free}
        history = resume(options.resume, progress=progress, **allowed)
    else:
        given_model = {*given_flags(options)} | ({"img_size", "patch_size"} if options.preset else set())
        follow = [name for name in FREE if name not in given_model]
        config = configured(options.recipe, check_flags(options).task, options.preset, given_flags(options))
        history = train(config, overwrite=options.overwrite, strict=options.strict, progress=progress, free=follow)
    if history.best:
        tell(history, history.best, what_next(history.folder, history.best))
    return 0


def given_flags(options: argparse.Namespace) -> dict[str, Any]:
    """Fields of a config, of any task, for which a flag was given."""
    from ..config import ViTConfig
    from ..config.tasks import CONFIGS

    flags = given(options, ViTConfig)
    for config_class in CONFIGS.values():
        flags |= given(options, config_class)
    flags.pop("task", None)
    return flags


def check_flags(options: argparse.Namespace) -> Any:
    """The class of the config that the task has; no flag of another task was given.

    Raises:
        UserError: one was.
    """
    from ..config import ViTConfig
    from ..config.tasks import CONFIGS, task_config

    config_class = task_config(options.task)
    known = given(options, config_class) | given(options, ViTConfig)
    for name, other in CONFIGS.items():
        if strange := [flag for flag in given(options, other) if flag not in known]:
            flag = "--" + strange[0].replace("_", "-")
            raise UserError(f"{flag} is a flag of --task {name}, got --task {config_class.task}: leave one of them out")
    return config_class
