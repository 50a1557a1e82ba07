"""Google's `.npz` files, as vit_jax and AugReg publish them: weights alone, from which the model has to be guessed.

Source of the names and layouts: github.com/google-research/vision_transformer, vit_jax/models_vit.py.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..config import ViTConfig
from .config_entries import array_of, beyond_the_paper, depth_of, ratio, square_size, those_true
from .layouts import Stored, heads_first, heads_last, jax_convolution, joined, same

PREFIXES = ("opt/target/", "params/")
HEAD = ("head/", "pre_logits/")
LEFT_OUT: tuple[str, ...] = ()
FIXED: dict[str, Any] = {"gelu": "tanh", "layer_norm_eps": 1e-6}
BLOCK = "Transformer/encoderblock_{}/"
ATTENTION = "MultiHeadDotProductAttention_1"


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """Infer the config from the weights: images are taken to be squares, since nothing says otherwise.

    Raises:
        UserError: the weights are not those of a plain ViT.
    """
    patch_size, _, in_chans, embed_dim = array_of(tensors, "embedding/kernel", "P P C D").shape
    positions = array_of(tensors, "Transformer/posembed_input/pos_embedding", "1 N D").shape[1]
    depth = depth_of(tensors, BLOCK)
    first = BLOCK.format(0)
    num_heads = array_of(tensors, f"{first}{ATTENTION}/query/kernel", "D h d").shape[1] if depth else 1
    hidden = array_of(tensors, f"{first}MlpBlock_3/Dense_0/kernel", "D M").shape[1] if depth else embed_dim
    head = tensors.get("head/bias")
    return ViTConfig(
        img_size=square_size(positions - 1, patch_size),
        patch_size=patch_size,
        in_chans=in_chans,
        num_classes=0 if head is None else head.size,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=num_heads,
        mlp_ratio=ratio(hidden, embed_dim),
        **FIXED,
    )


def cannot_say(config: ViTConfig) -> str:
    """Properties of `config` that an `.npz` file cannot express; empty when it can be written in this layout."""
    height, width = config.image_shape
    return those_true(
        beyond_the_paper(config)
        | {
            "queries, keys and values without a bias": not config.qkv_bias,
            "images that are not square": height != width,
        }
    )


def plain_names(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays by the names they have in a bare model: saved with an optimizer, all of them have a prefix."""
    plain = {}
    for name, array in tensors.items():
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        plain[name] = array
    return plain


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored."""
    table = {
        "cls_token": same("cls"),
        "pos_embed": same("Transformer/posembed_input/pos_embedding"),
        "patch_embed.proj.weight": jax_convolution("embedding/kernel", config.in_chans, config.patch_size),
        "patch_embed.proj.bias": same("embedding/bias"),
    }
    for index in range(config.depth):
        block, there = f"blocks.{index}", BLOCK.format(index)
        for ours, theirs in (("weight", "kernel"), ("bias", "bias")):
            parts = [f"{there}{ATTENTION}/{part}/{theirs}" for part in ("query", "key", "value")]
            table[f"{block}.attn.qkv.{ours}"] = joined([heads_last(part, config.num_heads) for part in parts])
            table[f"{block}.mlp.fc1.{ours}"] = same(f"{there}MlpBlock_3/Dense_0/{theirs}")
            table[f"{block}.mlp.fc2.{ours}"] = same(f"{there}MlpBlock_3/Dense_1/{theirs}")
        table[f"{block}.attn.proj.weight"] = heads_first(f"{there}{ATTENTION}/out/kernel", config.num_heads)
        table[f"{block}.attn.proj.bias"] = same(f"{there}{ATTENTION}/out/bias")
        table |= _norm(f"{block}.norm1", f"{there}LayerNorm_0") | _norm(f"{block}.norm2", f"{there}LayerNorm_2")
    table |= _norm("norm", "Transformer/encoder_norm")
    return table | {"head.weight": same("head/kernel"), "head.bias": same("head/bias")}


def _norm(ours: str, theirs: str) -> dict[str, Stored]:
    return {f"{ours}.weight": same(f"{theirs}/scale"), f"{ours}.bias": same(f"{theirs}/bias")}
