# mypy: disable-error-code="no-untyped-def"
"""Lesson 16, lower layers learn slower."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 16.7 ---


def lr_scales(names, layer_decay, depth):
    return _scales(names, layer_decay, depth)


def _scales(
    names,
    layer_decay,
    depth,
    *,
    block=lambda number, depth: depth - number,
    embedding=lambda depth: depth + 1,
    top=0,
    number_of=lambda name: int(name.split(".")[1]),
    power=lambda base, below: base**below,
):
    scales = []
    for name in names:
        if name.startswith("blocks."):
            below = block(number_of(name), depth)
        else:
            below = top if name.startswith(("norm.", "head.")) else embedding(depth)
        scales.append(power(layer_decay, below))
    return scales


def _names_cases(rng: np.random.Generator) -> Iterator[Case]:
    for depth, decay in ((3, 0.5), (12, 0.9), (int(rng.integers(11, 15)), float(rng.uniform(0.6, 0.95)))):
        blocks = [f"blocks.{index}.{part}" for index in range(depth) for part in ("norm1.bias", "attn.qkv.weight")]
        names = ["cls_token", "pos_embed", "patch_embed.proj.weight", *blocks, "norm.weight", "head.weight"]
        yield Case(([str(name) for name in rng.permutation(names)], decay, depth))


add(
    "16.7",
    lr_scales,
    _names_cases,
    outputs=("scales",),
    mistakes={
        "that is the wrong way round: the blocks near the image learn slowest": (
            lambda names, layer_decay, depth: _scales(names, layer_decay, depth, block=lambda number, depth: number + 1)
        ),
        "the last block, number depth - 1, lies one step below the head: layer_decay to the power 1, not 0": (
            lambda names, layer_decay, depth: _scales(
                names, layer_decay, depth, block=lambda number, depth: depth - 1 - number
            )
        ),
        "the last block lies one step below the head, not two: block i is depth - i steps below": (
            lambda names, layer_decay, depth: _scales(
                names, layer_decay, depth, block=lambda number, depth: depth + 1 - number
            )
        ),
        "the embedding lies below the first block, so it learns slower still": (
            lambda names, layer_decay, depth: _scales(names, layer_decay, depth, embedding=lambda depth: depth)
        ),
        "tokens, positions and patch_embed learn slowest, not at the full rate": (
            lambda names, layer_decay, depth: _scales(names, layer_decay, depth, embedding=lambda depth: 0)
        ),
        "head and last norm learn at the full rate: their scale is 1": (
            lambda names, layer_decay, depth: _scales(names, layer_decay, depth, top=1)
        ),
        "each step down multiplies by layer_decay once more: a power, not a product": (
            lambda names, layer_decay, depth: _scales(
                names, layer_decay, depth, power=lambda base, below: base * below if below else 1.0
            )
        ),
        "a block's number may have two digits: split the name at its dots": (
            lambda names, layer_decay, depth: _scales(names, layer_decay, depth, number_of=lambda name: int(name[7]))
        ),
        "those are the numbers of steps; the scale is layer_decay to that power": (
            lambda names, layer_decay, depth: _scales(names, layer_decay, depth, power=lambda base, below: float(below))
        ),
    },
    not_to_call=("finetuning",),
)
