"""timm's VisionTransformer: a folder of `config.json` and `model.safetensors`, as timm and the hub keep it.

The config names an architecture and what differs from it; the rest can be seen in the shapes of the weights.
"""

import math
import re
from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

import numpy as np

from ..config import ViTConfig
from ..errors import UserError
from .config_entries import array_of, class_names_of, depth_of, entry, ratio, square, square_size, those_true, typed
from .layouts import Stored, convolution, joined, same, transposed

HEAD = ("head.", "head_dist.")
LEFT_OUT = ("mask_token",)
# Plain ViTs by name, and how many heads each has: no config says it, and no weight shows it.
PLAIN = re.compile(
    r"(?:vit|deit|deit3)_(?P<size>[a-z0-9]+)(?:_distilled)?_patch\d+(?P<plus>_plus)?(?:_36x1)?(?:_reg\d+)?"
    r"(?P<kind>_clip(?:_quickgelu)?|_siglip(?:_gap)?|_gap|_map|)(?:_\d+(?:_miil)?|_dino|_dinov2)"
)
HEADS = {
    "tiny": 3, "xsmall": 4, "wee": 4, "little": 5, "small": 6, "medium": 8, "mediumd": 8, "betwixt": 10, "base": 12,
    "so150m2": 13, "so150m": 14, "large": 16, "huge": 16, "giant": 16, "gigantic": 16, "giantopt": 16, "so400m": 16,
}  # fmt: skip
TANH = re.compile(r"vit_(?:(?:giantopt|so400m)_patch16|base_patch32)_siglip_.*|vit_large_patch16_siglip_(?:gap_)?512")
EPS, CLIP_EPS = 1e-6, 1e-5  # of layer norm; the second of models called clip
REGISTERS = ("dist_token", "reg_token")
GELUS: dict[str, Any] = {"gelu": "erf", "gelu_tanh": "tanh", "quick_gelu": "quick"}
POOL_NAMES: dict[str, Any] = {"token": "cls", "avg": "mean", "map": "map"}
MODULES = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
# Arguments of timm's VisionTransformer that change what it computes, and the one value of each that is computed here.
ONLY = {
    "qk_norm": False, "scale_attn_norm": False, "scale_mlp_norm": False, "proj_bias": True, "pos_embed": "learn",
    "pool_include_prefix": False, "norm_layer": "layernorm", "embed_norm_layer": None, "embed_layer": None,
    "block_fn": None, "mlp_layer": None, "attn_layer": None,
}  # fmt: skip


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """Read the config, from timm's config and the shapes of the weights.

    Raises:
        UserError: an entry makes no sense, or asks for something that this ViT does not do.
    """
    args, cfg = typed(values, "model_args", Mapping, {}), typed(values, "pretrained_cfg", Mapping, {})
    architecture = typed(values, "architecture", str, "")
    plain = PLAIN.fullmatch(architecture)
    if not plain or plain["size"] not in HEADS:
        raise UserError(
            f"config.json names the architecture {short(architecture)}, which is no plain Vision Transformer of timm: "
            "use one like vit_base_patch16_224"
        )
    for name, only in ONLY.items():
        if entry(args, name, only) != only:
            raise UserError(f"config.json says {name} {short(args[name])}, which is not done here: use another model")
    gelu = "quick_gelu" if "_quickgelu" in architecture else "gelu_tanh" if TANH.fullmatch(architecture) else "gelu"
    gelu = typed(args, "act_layer", str, gelu)
    pool = "avg" if "_gap" in architecture else "map" if plain["kind"] in ("_siglip", "_map") else "token"
    pool = typed(args, "global_pool", str, typed(values, "global_pool", str, pool))
    for what, word, known in (("act_layer", gelu, GELUS), ("global_pool", pool, POOL_NAMES)):
        if word not in known:
            raise UserError(
                f"config.json says {what} {short(word)}, which this ViT does not do: it does {', '.join(known)}"
            )
    embed_dim, in_chans, *patch_size = array_of(tensors, "patch_embed.proj.weight", "D C P P").shape
    patch = square({"patch_size": patch_size}, "patch_size", None)
    depth = depth_of(tensors, "blocks.{}.")
    hidden = array_of(tensors, "blocks.0.mlp.fc1.weight", "M D").shape[0] if depth else embed_dim
    if depth and array_of(tensors, "blocks.0.mlp.fc2.weight", "D M").shape[1] != hidden:
        raise UserError(f"{architecture} has a gated MLP (SwiGLU), which is not done here: use another model")
    registers = sum(tensors[name].size // embed_dim for name in REGISTERS if name in tensors)
    class_token, head = "cls_token" in tensors, tensors.get("head.bias")
    patches = _patches(array_of(tensors, "pos_embed", "1 N D").shape[1], class_token + registers, args)
    return ViTConfig(
        img_size=_img_size(args, cfg, square_size(patches, patch)),
        patch_size=patch,
        in_chans=in_chans,
        num_classes=0 if head is None else head.size,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=entry(args, "num_heads", _heads(architecture, plain)),
        mlp_ratio=entry(args, "mlp_ratio", ratio(hidden, embed_dim)),
        qkv_bias="blocks.0.attn.qkv.bias" in tensors or not depth,
        gelu=GELUS[gelu],
        layer_norm_eps=CLIP_EPS if "_clip" in architecture else EPS,
        pool="cls+dist" if "dist_token" in tensors else POOL_NAMES[pool],
        class_token=class_token,
        num_registers=registers,
        pre_norm="norm_pre.weight" in tensors,
        final_norm="norm.weight" in tensors or "fc_norm.weight" in tensors,
        fc_norm="fc_norm.weight" in tensors,
        drop_rate=entry(args, "proj_drop_rate", 0.0),
        drop_path_rate=entry(args, "drop_path_rate", 0.0),
        layer_scale=entry(args, "init_values", 1e-5) if "blocks.0.ls1.gamma" in tensors else None,
    )


def _heads(architecture: str, plain: re.Match[str]) -> int:
    if architecture == "vit_base_patch16_gap_224":
        return 16
    return 14 if plain["plus"] else HEADS[plain["size"]]


def _patches(positions: int, num_prefix: int, args: Mapping[str, Any]) -> int:
    """Number of positions that are patches', if these are a square: all, or all but those of the tokens in front."""
    behind = positions - num_prefix
    is_square = behind > 0 and math.isqrt(behind) ** 2 == behind
    return behind if is_square and not entry(args, "no_embed_class", False) else positions


def _img_size(args: Mapping[str, Any], cfg: Mapping[str, Any], otherwise: int) -> Any:
    """(H, W): what the model was made with, else what its images were."""
    size = entry(args, "img_size", None)
    if size is None:
        shape = entry(cfg, "input_size", [0, otherwise, otherwise])
        if not (isinstance(shape, Sequence) and len(shape) == 3):
            raise UserError(f"config.json must give input_size as [C, H, W], got {short(shape)}: use another copy")
        size = shape[1:]
    if isinstance(size, Sequence) and len(size) == 2 and size[0] == size[1]:
        return size[0]
    return size


def read_class_names(values: Mapping[str, Any], num_classes: int) -> tuple[str, ...] | None:
    """The names under "label_names", where the config has them.

    Raises:
        UserError: there is another number of them than of classes.
    """
    names = entry(typed(values, "pretrained_cfg", Mapping, {}), "label_names", None)
    if isinstance(names, list):
        names = {str(index): name for index, name in enumerate(names)}
    return class_names_of(names, num_classes)


def cannot_say(config: ViTConfig) -> str:
    """Properties of `config` that timm cannot express; empty when it can be written in this layout."""
    return those_true(
        {
            "fixed positions": config.pos_embed != "learned",
            "a convolutional stem": config.stem == "conv",
            "words as patches": config.stem == "words",
            "a head that pools the class token and the mean": config.pool == "cls+mean",
            "two heads and more registers than one": config.pool == "cls+dist" and config.num_registers > 1,
            "two heads and layer norm before the first block": config.pool == "cls+dist" and config.pre_norm,
        }
    )


def fixed(config: ViTConfig) -> dict[str, Any]:
    """Settings that timm always has for such a model, and no file of it says."""
    return {"layer_norm_eps": CLIP_EPS if "_clip" in _architecture(config) else EPS}


def _architecture(config: ViTConfig) -> str:
    """The plainest one; `model_args` say what differs."""
    if config.pool == "cls+dist":
        return "deit_base_distilled_patch16_224"
    return "vit_base_patch16_clip_224" if config.layer_norm_eps == CLIP_EPS else "vit_base_patch16_224"


def write_config(config: ViTConfig, class_names: Sequence[str], pretrained_cfg: Mapping[str, Any]) -> dict[str, Any]:
    """`config.json` for `timm.create_model("local-dir:FOLDER", pretrained=True)`."""
    pool = {ours: theirs for theirs, ours in POOL_NAMES.items()}.get(config.pool, "token")
    model_args = {
        "img_size": list(config.image_shape),
        "patch_size": config.patch_size,
        "in_chans": config.in_chans,
        "embed_dim": config.embed_dim,
        "depth": config.depth,
        "num_heads": config.num_heads,
        "mlp_ratio": config.mlp_ratio,
        "qkv_bias": config.qkv_bias,
        "act_layer": {ours: theirs for theirs, ours in GELUS.items()}[config.gelu],
        "global_pool": pool,
        "class_token": config.class_token,
        "pre_norm": config.pre_norm,
        "final_norm": config.final_norm,
        "fc_norm": config.fc_norm,
        "proj_drop_rate": config.drop_rate,
        "drop_path_rate": config.drop_path_rate,
    }
    if config.pool != "cls+dist":
        model_args["reg_tokens"] = config.num_registers
    if config.layer_scale is not None:
        model_args["init_values"] = config.layer_scale
    return {
        "architecture": _architecture(config),
        "num_classes": config.num_classes,
        "num_features": config.embed_dim,
        "global_pool": pool,
        "model_args": model_args,
        "pretrained_cfg": {
            "input_size": list(config.input_shape),
            "num_classes": config.num_classes,
            "first_conv": "patch_embed.proj",
            "classifier": ["head", "head_dist"] if config.pool == "cls+dist" else "head",
            "label_names": list(class_names),
            **pretrained_cfg,
        },
    }


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored. The names are ours, as a rule: we took them from timm."""
    table = {name: same(name) for name in ("cls_token", "reg_token", "pos_embed", "patch_embed.proj.bias")}
    if config.pool == "cls+dist":
        table["reg_token"] = same("dist_token")
    table["patch_embed.proj.weight"] = convolution("patch_embed.proj.weight", config.in_chans, config.patch_size)
    modules = [f"blocks.{index}.{module}" for index in range(config.depth) for module in MODULES]
    renamed = {"head": "head", "head.cls": "head", "head.dist": "head_dist"}
    renamed |= {f"pool.{module}": f"attn_pool.{module}" for module in ("proj", "norm", "mlp.fc1", "mlp.fc2")}
    for ours, theirs in ({name: name for name in (*modules, "norm_pre", "norm", "fc_norm")} | renamed).items():
        is_norm = "norm" in ours.split(".")[-1]
        table[f"{ours}.weight"] = (same if is_norm else transposed)(f"{theirs}.weight")
        table[f"{ours}.bias"] = same(f"{theirs}.bias")
    parts, ends = ("attn_pool.q", "attn_pool.kv"), [config.embed_dim]
    table["pool.latent"] = same("attn_pool.latent")
    table["pool.qkv.weight"] = joined([transposed(f"{part}.weight") for part in parts], ends)
    table["pool.qkv.bias"] = joined([same(f"{part}.bias") for part in parts], ends)
    gammas = [f"blocks.{index}.{scale}.gamma" for index in range(config.depth) for scale in ("ls1", "ls2")]
    return table | {name: same(name) for name in gammas}
