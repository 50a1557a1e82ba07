"""A lesson uses nothing that only a later one teaches, and every shell line it prints is one that works."""

import ast
import re
import shlex
from pathlib import Path

import pytest

import tinyvit
from tinyvit.cli import build_parser

SOURCES = sorted((Path(__file__).parents[2] / "lessons" / "src").glob("*.py"))

# The lesson from which on a name may be used. A whole model is a box, images in and logits out, from the beginning.
TAUGHT_IN = {
    "course": 0,
    "load_dataset": 0,
    "prepare_digit": 0,
    "plot_overlay": 0,
    "VisionTransformer": 0,
    "preset": 0,
    "ops": 1,
    "patchify": 1,
    "unpatchify": 1,
    "linear": 2,
    "conv2d": 12,
    "check_gradients": 3,
    "check_exact": 3,
    "OPS": 3,
    "Op": 3,
    "softmax": 4,
    "cross_entropy": 4,
    "sigmoid": 4,
    "binary_cross_entropy": 4,
    "layer_norm": 5,
    "gelu": 6,
    "gelu_tanh": 6,
    "gelu_quick": 6,
    "normal_cdf": 6,
    "attention": 7,
    "prepend_tokens": 9,
    "add_position": 9,
    "sincos2d": 9,
    "cls_pool": 9,
    "mean_pool": 9,
    "cls_mean_pool": 9,
    "model_costs": 10,
    "Mlp": 10,
    "SGD": 11,
    "AdamW": 11,
    "decays": 11,
    "warmup_cosine": 11,
    "dropout": 12,
    "drop_path": 12,
    "layer_scale": 12,
    "train": 12,
    "TrainConfig": 12,
    "Progress": 12,
    "Layer": 12,
    "loss_and_gradients": 12,
    "looking": 13,
    "plots": 13,
    "array_module": 14,
    "available_devices": 14,
    "to_numpy": 14,
    "flatten": 14,
    "FlatArrays": 14,
    "Team": 15,
    "resample_positions": 16,
    "read_arrays": 16,
    "load_trained": 16,
    "finetune": 16,
    "FinetuneConfig": 16,
    "Split": 16,
    "ViTConfig": 20,
    "Block": 20,
    "LayerNorm": 20,
    "Linear": 20,
    "prefixed": 20,
    "spread_to": 20,
    "gather_tokens": 20,
    "scatter_tokens": 20,
    "mse": 20,
    "Attention": 8,
    "embedding": 23,
    "sentences": 23,
    "tag_codes": 23,
    "TAGS": 23,
    "GROUPS": 23,
    "encoded": 23,
    "word_dataset": 23,
    "EncoderWithHead": 23,
    "plot_tagged": 23,
    "DetectConfig": 21,
    "pairwise_iou": 21,
    "canvases": 21,
    "average_precision": 21,
    "DenseHead": 21,
    "BoxHead": 21,
    "assigned": 21,
    "patch_weights": 21,
    "focal": 21,
    "giou": 21,
    "distillation": 25,
    "DiT": 22,
    "time_features": 22,
}


def names_used(source):
    """What a lesson imports from tinyvit, and what it takes from `tinyvit` and `ops` by a dot."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module="tinyvit.course"):
                yield "course"
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "tinyvit":
                yield from (alias.name for alias in node.names)
            case ast.Attribute() if ast.unparse(node.value) in ("tinyvit", "ops", "tinyvit.ops"):
                yield node.attr
            case ast.Subscript(slice=ast.Constant()) if ast.unparse(node.value).endswith("OPS"):
                yield node.slice.value


def topic(name):
    return re.sub(r"(_forward|_backward)$", "", name)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_lesson_uses_nothing_taught_later(path):
    number = int(path.name[:2])
    for name in names_used(path.read_text()):
        if not name.endswith("Saved"):
            assert topic(name) in TAUGHT_IN, f"which lesson teaches {name}?"
            assert TAUGHT_IN[topic(name)] <= number, f"{name} comes in lesson {TAUGHT_IN[topic(name)]}"


def test_every_op_is_taught_somewhere():
    of_tasks = {
        "silu", "modulate", "gate",
    }  # fmt: skip  # no lesson has come to these yet
    assert {topic(name) for name in tinyvit.ops.OPS} - of_tasks <= TAUGHT_IN.keys()


def test_the_order_is_looked_at():
    """A lesson that borrows from later ones is noticed, however it does so."""
    for line in (
        "from tinyvit.optim import AdamW",
        "import tinyvit\ntinyvit.ops.softmax_forward",
        "ops.softmax_backward(dy, saved)",
        "ops.OPS['softmax'].forward(x)",
    ):
        assert max(TAUGHT_IN[topic(name)] for name in names_used(line)) >= 4


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_shell_line_of_a_lesson_is_one_that_tinyvit_knows(path):
    text = re.sub(r"^# ?", "", path.read_text(), flags=re.MULTILINE)
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    lines += re.findall(r"`((?:mpiexec -n \d+ )?tinyvit [a-z][^`]*)`", text)
    for line in lines:
        words = shlex.split(re.sub(r"^mpiexec -n \d+ ", "", line.split("#")[0]))
        if words:
            assert words[0] == "tinyvit", f"not tested: {line}"
            build_parser().parse_args(words[1:])
