# mypy: disable-error-code="no-untyped-def"
"""Lesson 16, lower layers learn slower."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, NotAskedFor, add

# --- 16.7 ---


def _as_list(result):
    if isinstance(result, dict):
        raise NotAskedFor("that is a dict; a list is wanted, with the scales in the order of the names")
    return list(result)


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
        names = ["cls_token", "reg_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", *blocks]
        names += ["norm.weight", "norm.bias", "head.weight", "head.bias"]
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
        '`blocks.0.norm1.weight` has "norm" in it and is a block\'s: look at how the name begins': (
            lambda names, layer_decay, depth: [
                1.0 if "norm" in name else scale
                for name, scale in zip(names, _scales(names, layer_decay, depth), strict=True)
            ]
        ),
        "the last norm stands above all blocks, beside the head: its scale is 1": (
            lambda names, layer_decay, depth: [
                layer_decay ** (depth + 1) if name.startswith("norm.") else scale
                for name, scale in zip(names, _scales(names, layer_decay, depth), strict=True)
            ]
        ),
        "the scale is layer_decay to a power, not 1 - layer_decay": (
            lambda names, layer_decay, depth: _scales(names, 1 - layer_decay, depth)
        ),
        "the scales stand in another order than the names": (
            lambda names, layer_decay, depth: _scales(sorted(names), layer_decay, depth)
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
    summary=_as_list,
    not_to_call=("finetuning",),
)
