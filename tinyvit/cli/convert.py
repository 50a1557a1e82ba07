"""`tinyvit convert IN OUT --to hf|timm|npz`: a model from one family's layout into another's."""

import argparse
from pathlib import Path

from ..errors import UserError
from .flags import SUB_PARSERS, size_flag


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "convert",
        help="write a model for Hugging Face, timm or Google's tools",
        description="Read a folder of tinyvit, Hugging Face or timm, or a .npz file of Google, and write another.",
    )
    parser.add_argument("source", metavar="IN", help="folder of a model or a run, or a .npz file")
    parser.add_argument("target", metavar="OUT", help="folder to make; with --to npz, the file")
    parser.add_argument("--to", choices=("hf", "timm", "npz"), default="hf", help="whose layout (default: hf)")
    parser.add_argument("--ignore-head", action="store_true", help="leave the classifier out")
    parser.add_argument("--img-size", type=size_flag, help="resample the positions for images of this size")
    parser.add_argument("--verify", action="store_true", help="compare all layers with those of other readers")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..files import write_folder
    from ..pretrained import FAMILIES, folder_files, load_model, open_source, save_npz
    from ..resize import with_learned_positions
    from ..vit import VisionTransformer
    from .verify import verify

    target = Path(options.target)
    if options.to == "npz" and target.suffix != ".npz":
        raise UserError(f"with --to npz, OUT is a file whose name ends with .npz, got {target}: add it")
    source = open_source(options.source)
    model = load_model(VisionTransformer, source, num_classes=0 if options.ignore_head else None)
    if options.img_size is not None:
        model = model.resized(options.img_size, **FAMILIES[source.family].resample)
    model = with_learned_positions(model)
    names = source.class_names if model.config.num_classes else None
    if options.to == "npz":
        save_npz(target, model.config, model.parameters())
    else:
        write_folder(target, folder_files(model.config, model.parameters(), options.to, names))
    count = f"{model.num_parameters():,} parameters"
    print(f"{options.source} ({source.family}) -> {target} ({options.to}): {count}")
    for name, value in FAMILIES[options.to].fixed.items():
        if (mine := getattr(model.config, name)) != value:
            print(f"note: readers of {options.to} take {name} to be {value}, here it is {mine}: logits will differ")
    if options.verify:
        verify(model, source, target)
    return 0
