"""`tinyvit convert IN OUT --to hf|timm|npz`: a model from one family's layout into another's."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from ..errors import UserError
from .flags import SUB_PARSERS, add_download_flag, find_model, size_flag
from .output import say


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "convert",
        help="write a model for Hugging Face, timm or Google's tools",
        description="Read a folder of tinyvit, Hugging Face or timm, or a .npz file of Google, and write another.",
    )
    parser.add_argument("source", metavar="IN", help="folder of a model or a run, or a .npz file")
    add_download_flag(parser)
    parser.add_argument("target", metavar="OUT", help="folder to make; with --to npz, the file")
    parser.add_argument(
        "--to",
        choices=("hf", "timm", "npz"),
        default="hf",
        help="layout of the weights: Hugging Face, timm or Google (default: hf)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is at OUT")
    parser.add_argument("--ignore-head", action="store_true", help="leave out the classification head")
    parser.add_argument("--img-size", type=size_flag, help="interpolate the position embedding for images of this size")
    parser.add_argument(
        "--verify", action="store_true", help="compare every layer with transformers and timm, where installed"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..evaluation.preprocessing import THRESHOLD, read_preprocessing
    from ..images.others import prepared_otherwise, pretrained_cfg_of
    from ..pretrained import (
        FAMILIES,
        family_for,
        folder_files,
        open_checkpoint,
        save_npz,
    )
    from ..pretrained.problem import PROBLEM_TYPE, problem_type
    from ..storage.files import PREPROCESSOR, to_json
    from ..storage.folders import write_folder
    from ..vit import VisionTransformer
    from .verify import verify

    target = Path(options.target)
    if options.to == "npz" and target.suffix != ".npz":
        raise UserError(f"with --to npz, OUT is a file whose name ends with .npz, got {target}: add it")
    check_target(target, options.overwrite)
    path = find_model(options.source, download=options.download)
    checkpoint = open_checkpoint(path, with_head=not options.ignore_head)
    model = VisionTransformer.from_checkpoint(checkpoint, num_classes=0 if options.ignore_head else None)
    if options.img_size is not None:
        model = model.resized(options.img_size, **FAMILIES[checkpoint.family].resample)
    model = model.with_learned_positions()
    preprocessing = read_preprocessing(checkpoint) if "dataset" in checkpoint.preprocessor else None
    names = preprocessing.class_names if preprocessing else checkpoint.class_names
    names = names if model.config.num_classes else None
    meaning = problem_type(checkpoint.values, checkpoint.config.num_classes)
    family = family_for(options.to, model.config) or options.to
    if options.to == "npz":
        save_npz(target, model.config, model.parameters())
    else:
        processor = checkpoint.processor().for_size(model.config.image_shape)
        pretrained_cfg = pretrained_cfg_of(processor)
        said = meaning if PROBLEM_TYPE in checkpoint.values and model.config.num_classes else None
        files = folder_files(model.config, model.parameters(), family, names, pretrained_cfg, said)
        if options.to == "hf":
            facts = (
                {"dataset": preprocessing.dataset, "built_in": preprocessing.built_in, "class_names": names}
                if preprocessing and names
                else {}
            )
            facts |= {"threshold": preprocessing.threshold} if preprocessing and preprocessing.multi_label else {}
            files[PREPROCESSOR] = to_json(processor.to_dict() | facts)
        write_folder(target, files)
    count = f"{model.num_parameters():,} parameters"
    say(f"{options.source} ({checkpoint.family}) -> {target} ({options.to}): {count}")
    for name, value in FAMILIES[family].fixed(model.config).items():
        if (mine := getattr(model.config, name)) != value:
            say(f"note: readers of {options.to} take {name} to be {value}, here it is {mine}: logits will differ")
    if options.to != "npz" and checkpoint.assumption:
        fields = ("resample", "image_mean", "image_std") if processor.do_normalize else ("resample",)
        taken = ", ".join(f"{name} {getattr(processor, name)}" for name in fields)
        say(f"note: {checkpoint.assumption}, and {target} now says so ({taken}): correct it there if it is wrong")
    if options.to != "npz" and (note := prepared_otherwise(processor, options.to)):
        say(f"note: {note}")
    if model.config.num_classes:
        for note in _lost(meaning, preprocessing.threshold if preprocessing else THRESHOLD, options.to):
            say(f"note: {note}")
    if options.verify:
        verify(model, checkpoint, target)
    return 0


def check_target(target: Path, overwrite: bool) -> None:
    """Check that no model is lost that the user did not give up.

    Raises:
        UserError: one would be.
    """
    from ..storage.run_folder import run_folder

    if run_folder(target) != target:
        raise UserError(f"{target} belongs to a run, which could not go on or be measured any more: choose another OUT")
    is_there = target.exists() and (not target.is_dir() or any(target.iterdir()))
    if is_there and not overwrite:
        raise UserError(f"{target} is there already and stays as it is: choose another OUT, or add --overwrite")


def _lost(meaning: str, threshold: float, to: str) -> Iterator[str]:
    """Properties of the model that the layout `to` cannot express, a sentence each."""
    from ..evaluation.preprocessing import THRESHOLD
    from ..pretrained import MULTI_LABEL, REGRESSION

    meanings = {
        MULTI_LABEL: "each logit is the yes or no of a class by itself, so take a sigmoid of it, and not softmax",
        REGRESSION: "the logits are regression outputs, so take no softmax of them",
    }
    if to != "hf" and meaning in meanings:
        yield f"readers of {to} know of no problem type, here it is {meaning}: {meanings[meaning]}"
    if meaning == MULTI_LABEL and threshold != THRESHOLD:
        yield f"readers of {to} know of no threshold, here it is {threshold:g}: compare the probabilities with it"
