"""`tinyvit export MODEL OUT.onnx|OUT.c`: a trained model elsewhere, compared with the model itself by `--verify`."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from .convert import check_target
from .flags import SUB_PARSERS, add_download_flag, find_model
from .output import say

KB = 1000


def add_parser(verbs: SUB_PARSERS) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "export",
        help="write a model as an ONNX graph, or as C",
        description="Write a trained model as an ONNX graph for other runtimes: its forward, for any batch size, and "
        "if asked for, attention maps, hidden states and the hand-written backward. Or, of a small classifier, the "
        "forward as one file of C.",
    )
    parser.add_argument("source", metavar="MODEL", help="run, folder of a model, or .npz file")
    add_download_flag(parser)
    parser.add_argument("target", metavar="OUT", help="file to write, NAME.onnx or NAME.c")
    parser.add_argument("--overwrite", action="store_true", help="replace what is at OUT")
    parser.add_argument("--attention", action="store_true", help="also output the attention maps of every block")
    parser.add_argument(
        "--hidden-states", action="store_true", help="also output the tokens before the first block and after each"
    )
    parser.add_argument(
        "--gradients",
        action="store_true",
        help="also run the backward: input target, a class; outputs are gradients of its logit by images and attention",
    )
    parser.add_argument("--normalise", action="store_true", help="take pixels from 0 to 255, and normalise them within")
    parser.add_argument("--float16", action="store_true", help="half precision: weights, inputs and outputs in float16")
    parser.add_argument(
        "--opset",
        type=int,
        metavar="N",
        help="version of ONNX's operators, 13 or newer (default: 17; not for C)",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare every output with the model's own: by onnxruntime and onnx, or compiled by cc",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ..exporting.export import read_source

    target = Path(options.target)
    if target.suffix not in WRITERS:
        raise UserError(f"OUT is a file whose name ends with {' or '.join(WRITERS)}, got {target}: choose one of these")
    check_target(target, options.overwrite)
    return WRITERS[target.suffix](
        options, target, lambda: read_source(find_model(options.source, download=options.download))
    )


def write_onnx(options: argparse.Namespace, target: Path, read: Callable[[], Any]) -> int:
    """An ONNX graph; what is wrong with the flags is told before the model is read."""
    import numpy as np

    from ..exporting.compare import ENGINES, TOLERANCE, TOLERANCE_FLOAT16
    from ..exporting.export import graph_of, metadata_of, subject_of
    from ..exporting.files import save_onnx
    from ..exporting.proto import DEFAULT_OPSET, check_opset
    from ..exporting.subject import Wanted

    opset = DEFAULT_OPSET if options.opset is None else options.opset
    check_opset(opset)
    source = read()
    wanted = Wanted(
        options.attention, options.hidden_states, options.gradients, source.statistics if options.normalise else None
    )
    model = converted(source.model, "float16" if options.float16 else "float32")
    graph = graph_of(subject_of(model, wanted, source.config), opset=opset)
    files = save_onnx(target, graph, metadata_of(source, wanted))
    say_written(options.source, files, f"opset {opset}, {len(graph.nodes)} nodes")
    for what, tensors in (("in", graph.inputs), ("out", graph.outputs)):
        shapes = {tensor.name: f"{tensor.dtype!s:<9}({', '.join(map(str, tensor.shape))})" for tensor in tensors}
        for title, names in grouped(list(shapes)).items():
            say(f"  {what:<4}{title:<22}{shapes[names[0]]}")
    say_notes(source)
    if not options.verify:
        return 0
    mine = model.astype(np.float32) if options.float16 else model
    subject = subject_of(mine, wanted, source.config)
    engines = {name: lambda given, wanted, run=run: run(target, given) for name, run in ENGINES.items()}
    return verify(subject, model.dtype, engines, TOLERANCE_FLOAT16 if options.float16 else TOLERANCE)


def write_c(options: argparse.Namespace, target: Path, read: Callable[[], Any]) -> int:
    """A file of C."""
    import numpy as np

    from ..exporting.c_source import c_source
    from ..exporting.compare import TOLERANCE, run_c
    from ..exporting.export import subject_of
    from ..exporting.subject import Wanted
    from ..storage.files import write_file

    for flag in ("attention", "hidden_states", "gradients", "float16", "opset"):
        if getattr(options, flag) not in (None, False):
            raise UserError(f"--{flag.replace('_', '-')} is for OUT.onnx, and {target} is C: leave it out")
    source = read()
    if source.config:
        raise UserError(
            f"C is written for classifiers, and this is a model of the task {source.config.task}: export OUT.onnx"
        )
    model = converted(source.model, "float32")
    text = c_source(model, source.class_names, source.statistics, normalise=options.normalise)
    write_file(target, text.encode())
    say_written(options.source, [target], f"{model.num_parameters():,} parameters")
    say_notes(source)
    if not options.verify:
        return 0
    subject = subject_of(model, Wanted(statistics=source.statistics if options.normalise else None))
    return verify(subject, np.dtype(np.float32), {"compiled C": lambda *arrays: run_c(target, *arrays)}, TOLERANCE)


WRITERS = {".onnx": write_onnx, ".c": write_c}


def converted(model: Any, dtype: str) -> Any:
    """The model in another dtype, which is told unless it is what was asked for."""
    if model.dtype == dtype:
        return model
    say(f"note: the weights are {model.dtype}, and become {dtype}")
    return model.astype(dtype)


def say_written(source: str, files: list[Path], about: str) -> None:
    size = sum(file.stat().st_size for file in files) / KB
    say(f"{source} -> {' and '.join(map(str, files))}: {about}, {size:,.0f} kB")


MEANINGS = {  # of outputs that are not one class of several, by problem type or task
    "multi_label_classification": "each logit is the yes or no of a class by itself: take a sigmoid of it, not softmax",
    "regression": "the logits are regression outputs: take no softmax of them",
    "mae": "each patch has mean 0 and variance 1, as in training: give it its own back to see it",
    "detect": "take a sigmoid of each logit, and of boxes that overlap keep the surest (non-maximum suppression)",
    "generate": "this is one look at a noisy image, from -1 to 1: the loop from noise to an image is yours",
    "continual": "the logits are of all classes, those not learned yet too",
}


def say_notes(source: Any) -> None:
    """Print what the file cannot express: an assumption, and what the outputs mean."""
    kind = source.config.task if source.config else source.problem_type
    for note in (source.assumption, MEANINGS.get(kind)):
        if note:
            say(f"note: {note}")


def verify(subject: Any, dtype: Any, engines: Mapping[str, Callable[..., Any]], tolerance: float) -> int:
    """Print how far the answers of other engines are from the subject's own; 1 where one is too far."""
    from ..exporting.compare import NUM_EXAMPLES, difference, examples

    given, wanted = examples(subject, dtype)
    columns = {}
    for name, engine in engines.items():
        try:
            got = engine(given, wanted)
        except ImportError as error:
            say(f"note: not compared with {name} ({error}): python -m pip install 'tinyvit[onnx]'")
        except UserError:
            raise
        except Exception as error:  # each engine has exceptions of its own
            raise UserError(f"{name} refuses what was written ({error}): choose another --opset") from error
        else:
            columns[name] = {output: difference(got[output], wanted[output]) for output in wanted}
    say(f"\n{NUM_EXAMPLES} random examples; the largest difference, as a part of the largest value:\n")
    say(f"{'output':<22}{'largest value':>14}" + "".join(f"{name:>20}" for name in columns))
    for title, outputs in grouped(list(wanted)).items():
        size = max(abs(wanted[output]).max(initial=0) for output in outputs)
        worst = [max(column[output] for output in outputs) for column in columns.values()]
        say(f"{title:<22}{size:>14.4g}" + "".join(f"{found:>20.1e}" for found in worst))
    worst = [max(column.values()) for column in columns.values()]
    is_close = max(worst) <= tolerance
    say(f"\nworst difference {max(worst):.1e}, which is {'within' if is_close else 'above'} {tolerance:g}")
    return 0 if is_close else 1


def grouped(names: list[str]) -> dict[str, list[str]]:
    """Names of what every block has as one, by a title: "attention.0" to "attention.3" are "attention.0..3"."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.split(".")[0], []).append(name)
    return {f"{found[0]}..{len(found) - 1}" if found[1:] else found[0]: found for found in groups.values()}
