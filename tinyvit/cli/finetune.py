"""`tinyvit finetune --model FOLDER --data-dir DIR`: fine-tune a pretrained model on your own images."""

import argparse
import dataclasses
from typing import Any

from ..errors import UserError
from .few_labels import is_number_of_labels, on_few_labels
from .finished import tell
from .flags import (
    SUB_PARSERS,
    add_download_flag,
    add_flags,
    add_strict_flag,
    add_track_flag,
    find_model,
    given,
    size_flag,
    text,
)
from .tracking import progress_of


def add_parser(verbs: SUB_PARSERS) -> None:
    from ..config.add_classes import FOUND_OUT, AddClassesConfig
    from ..config.run import FinetuneConfig

    parser: argparse.ArgumentParser = verbs.add_parser(
        "finetune",
        help="fine-tune a pretrained model on your own images",
        description="Fine-tune a model of Hugging Face, timm, Google or tinyvit on folders of images, one per class.",
    )
    parser.add_argument(
        "--model", dest="pretrained", type=text, metavar="FOLDER", help="pretrained model to start from"
    )
    add_download_flag(parser)
    parser.add_argument(
        "--img-size",
        type=size_flag,
        help="image size in pixels; the position embedding is interpolated (default: the model's)",
    )
    parser.add_argument(
        "--drop-path",
        type=float,
        dest="drop_path_rate",
        metavar="RATE",
        help="stochastic depth (drop path) rate in training",
    )
    parser.add_argument("--resume", type=text, metavar="RUN", help="resume a run that was stopped or killed")
    parser.add_argument("--overwrite", action="store_true", help="replace the run in --output")
    add_strict_flag(parser)
    add_track_flag(parser)
    group = parser.add_argument_group("new classes", "The model keeps those that it knows, and learns the others.")
    group.add_argument("--add-classes", action="store_true", help="add the folder's classes to those the model knows")
    usual = {field.name for field in dataclasses.fields(FinetuneConfig)}
    add_flags(group, AddClassesConfig(), skip=usual | {*FOUND_OUT})
    add_flags(parser.add_argument_group("training"), FinetuneConfig(), skip=("model", "task", "pretrained"))
    parser.set_defaults(run=run, saves=True, pretrained=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    from ..config.add_classes import AddClassesConfig
    from ..pretrained.readers import who_loads
    from ..training import FinetuneConfig
    from ..training.finetuning import finetune, resume_finetuning

    flags = {name: value for name, value in given(options, AddClassesConfig).items() if value != argparse.SUPPRESS}
    changes = {name: value for name in ("img_size", "drop_path_rate") if (value := getattr(options, name)) is not None}
    if options.resume:
        others = sorted({*flags, *changes} - {"data_dir", "replay_dir", "device"})
        others += [name for name in ("overwrite", "download", "strict", "add_classes") if getattr(options, name)]
        if others:
            raise UserError(
                "--resume goes on exactly as the run began, so only --data-dir, --replay-dir, --device and --track may "
                f"be given with it, got also: {', '.join(others)}; start a new run to change settings"
            )
        history = resume_finetuning(options.resume, progress=progress_of(options), **flags)
    else:
        if "pretrained" not in flags:
            raise UserError("fine-tuning starts from a model: give its folder with --model")
        if is_number_of_labels(flags.get("labels")):
            return on_few_labels(options, flags | changes)
        kind = AddClassesConfig if options.add_classes else FinetuneConfig
        if strange := sorted({"replay", "replay_dir"} & flags.keys()) if kind is FinetuneConfig else []:
            raise UserError(f"--{strange[0].replace('_', '-')} is for --add-classes: give that too, or leave it out")
        config = kind(**flags)
        pretrained: dict[str, Any] = {"pretrained": str(find_model(config.pretrained, download=options.download))}
        more: Any = {"overwrite": options.overwrite, "strict": options.strict, "progress": progress_of(options)}
        if isinstance(config, AddClassesConfig):
            from ..training.finetuning.add_classes import add_classes, settings_of

            config = dataclasses.replace(config, **settings_of(pretrained["pretrained"]) | flags | pretrained)
            history = add_classes(config, **more, **changes)
        else:
            history = finetune(dataclasses.replace(config, **pretrained), **more, **changes)
    best: Any = history.best
    image = f"Try it on an image: tinyvit predict {history.folder} my_image.jpg --plot"
    tell(history, best, image, who_loads(history.folder, best.model.config))
    return 0
