"""A small classifier as one file of C99: the parts of `forward.c` that it needs, with sizes and weights filled in."""

import re
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..layers import DistilledHead
from ..vit import VisionTransformer
from .subject import Statistics

TEMPLATE = Path(__file__).with_name("forward.c")
MAX_PARAMETERS = 1_000_000  # 4 MB in a program, 15 MB as text
BLOCK_FIELDS = {  # of the struct, by the parameter that each points to
    "norm1_weight": "norm1.weight", "norm1_bias": "norm1.bias", "qkv_weight": "attn.qkv.weight",
    "qkv_bias": "attn.qkv.bias", "proj_weight": "attn.proj.weight", "proj_bias": "attn.proj.bias",
    "ls1_gamma": "ls1.gamma", "norm2_weight": "norm2.weight", "norm2_bias": "norm2.bias",
    "fc1_weight": "mlp.fc1.weight", "fc1_bias": "mlp.fc1.bias", "fc2_weight": "mlp.fc2.weight",
    "fc2_bias": "mlp.fc2.bias", "ls2_gamma": "ls2.gamma",
}  # fmt: skip
PER_LINE = 8  # numbers
PLAIN = f"{string.ascii_letters}{string.digits} _.,-"


def c_source(
    model: VisionTransformer, class_names: Sequence[str], statistics: Statistics, *, normalise: bool = False
) -> str:
    """The text of the file.

    Args:
        normalise: whether it takes pixels from 0 to 255, and normalises them with the `statistics`.

    Raises:
        UserError: the model reads words, or is too large for a text.
    """
    config = model.config
    if config.stem == "words":
        raise UserError("C is written for models of images, and this one reads words: export it as OUT.onnx")
    if (count := model.num_parameters()) > MAX_PARAMETERS:
        raise UserError(
            f"C is written for models of up to {MAX_PARAMETERS:,} parameters, and this one has {count:,}: export it as "
            "OUT.onnx"
        )
    what = "logits, one for each class" if config.num_classes else "features of the image"
    facts = {
        "IMAGE": "pixels from 0 to 255" if normalise else f"(pixel / 255 - mean) / std, {_listed(statistics)}",
        "OUTPUT": f"K values, {what}",
        "SIZES": "enum {\n" + "".join(f"    {name} = {size},\n" for name, size in _sizes(model).items()) + "};",
        "EPS": _number(config.layer_norm_eps),
        "WEIGHTS": "\n".join([*_class_names(class_names), *_weights(model, statistics if normalise else None)]) + "\n",
    }
    text = _needed(TEMPLATE.read_text(encoding="utf-8"), _flags(model, normalise))
    return re.sub(r"@([A-Z]+)@", lambda match: facts[match[1]], text)


def _sizes(model: VisionTransformer) -> dict[str, int]:
    config = model.config
    C, H, W = config.input_shape
    P, D, N, T = config.patch_size, config.embed_dim, config.num_tokens, config.num_prefix_tokens
    chans = model.patch_embed.proj.weight.shape[0] // P**2
    first = {"cls": 1, "cls+mean": 1, "cls+dist": 2}.get(config.pool, 0)
    outputs = config.num_classes or (D if config.pool == "cls+dist" else config.num_pooled)
    return {
        "C": C, "H": H, "W": W, "P": P, "S": chans, "L": config.num_patches, "T": T, "N": N,
        "Q": config.num_queries or N, "D": D, "d": config.head_dim, "M": config.hidden_dim, "DEPTH": config.depth,
        "FIRST": first, "POOLED": config.num_pooled, "K": outputs,
    }  # fmt: skip


def _listed(statistics: Statistics) -> str:
    """Mean and standard deviation for people, by channel."""
    mean, std = (", ".join(f"{value:.6g}" for value in numbers.ravel()) for numbers in statistics)
    return f"mean {mean}, std {std}"


def _flags(model: VisionTransformer, normalise: bool) -> set[str]:
    """Names of the parts that are needed."""
    config = model.config
    K, pool = config.num_classes, config.pool
    is_distilled = isinstance(model.head, DistilledHead)
    return {
        f"GELU_{config.gelu.upper()}",
        *(name for name, is_needed in {
            "NORMALISE": normalise, "CONV_STEM": config.stem == "conv", "PREFIX": config.num_prefix_tokens,
            "PRE_NORM": config.pre_norm, "BLOCKS": config.depth, "NORM": config.final_norm and not config.fc_norm,
            "CLS": pool.startswith("cls"), "MEAN": pool.endswith("mean"), "MAP": pool == "map",
            "FC_NORM": config.fc_norm, "HEAD": K and not is_distilled, "DISTILLED": K and is_distilled,
            "FEATURES": not K and not is_distilled, "TWO_FEATURES": not K and is_distilled,
        }.items() if is_needed),
    }  # fmt: skip


def _needed(text: str, flags: set[str]) -> str:
    """The text without those parts between `#if NAME` and `#endif` whose name is not in `flags`."""
    kept, is_kept = [], True
    for line in text.splitlines(keepends=True):
        if line.startswith("#if "):
            is_kept = line.split()[1] in flags
        elif line.startswith("#endif"):
            is_kept = True
        elif is_kept:
            kept.append(line)
    return "".join(kept)


def _weights(model: VisionTransformer, statistics: Statistics | None) -> Iterator[str]:
    """Definitions of all arrays, and of the blocks that point to them."""
    config, arrays = model.config, dict(_arrays(model, statistics))
    for name, array in arrays.items():
        yield _definition(name, array)
    if config.pre_norm:
        yield "static const float *const patch_embed_proj_bias = 0;"
    if config.depth:
        fields = "".join(f"    const float *{field};\n" for field in BLOCK_FIELDS)
        yield f"typedef struct {{\n{fields}}} Block;"
        rows = [", ".join(name if name in arrays else "0" for name in _of_block(b)) for b in range(config.depth)]
        yield "static const Block blocks[DEPTH] = {\n" + "".join(f"    {{{row}}},\n" for row in rows) + "};"


def _arrays(model: VisionTransformer, statistics: Statistics | None) -> Iterator[tuple[str, np.ndarray]]:
    """Every array by its name in C; tokens in front are one, and so is what a pool that attends asks with."""
    D, C = model.config.embed_dim, model.config.in_chans
    if statistics:
        mean, std = (np.broadcast_to(numbers.ravel(), C) for numbers in statistics)
        yield from {"pixel_scale": 1 / (255 * std), "pixel_shift": mean / std}.items()
    if model.config.num_prefix_tokens:
        yield "prefix_tokens", model._prefix_tokens()
    if model.config.pos_embed != "learned":
        yield "pos_embed", model.sincos
    for name, array in model.parameters().items():
        if name not in ("cls_token", "reg_token", "pool.latent", "pool.qkv.weight", "pool.qkv.bias"):
            yield c_name(name), array
    if model.config.pool == "map":
        pool: Any = model.pool
        weight, bias = pool.qkv.weight, pool.qkv.bias
        yield "pool_query", pool.latent @ weight[:, :D] + bias[:D]
        yield "pool_kv_weight", weight[:, D:]
        yield "pool_kv_bias", bias[D:]


def _of_block(index: int) -> list[str]:
    """Names of the arrays that a block points to, those too that it has not got."""
    return [c_name(f"blocks.{index}.{parameter}") for parameter in BLOCK_FIELDS.values()]


def c_name(name: str) -> str:
    """Name of a parameter in C."""
    return name.replace(".", "_")


def _definition(name: str, array: np.ndarray) -> str:
    numbers = [_number(value) for value in np.asarray(array, np.float32).ravel().tolist()]
    lines = [", ".join(numbers[i : i + PER_LINE]) for i in range(0, len(numbers), PER_LINE)]
    return f"static const float {name}[{len(numbers)}] = {{\n" + ",\n".join(lines) + "\n};"


def _number(value: float) -> str:
    """A float32 as C writes it, with as many digits as it takes to read the same one back."""
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _class_names(names: Sequence[str]) -> Iterator[str]:
    """The names as strings in UTF-8; what is no letter, digit, space or plain point is written by its number, so that
    no name can end the string, or begin something else.
    """
    if names:
        lines = "".join(f'    "{_literal(name)}",\n' for name in names)
        yield f"const char *const class_names[{len(names)}] = {{\n{lines}}};"


def _literal(name: str) -> str:
    return "".join(chr(byte) if chr(byte) in PLAIN else f"\\{byte:03o}" for byte in name.encode("utf-8", "replace"))
