"""timm's VisionTransformer: a folder of `config.json` and `model.safetensors`, as timm and the hub keep it.

The config names an architecture and what differs from it; the rest can be seen in the shapes of the weights.
"""

import re
from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

import numpy as np

from ..config import ViTConfig
from ..errors import UserError
from .layouts import Stored, convolution, same, transposed
from .reading import POOLS, array_of, class_names_of, depth_of, entry, ratio, square_size, those_true, typed

HEAD = ("head.", "head_dist.")
LEFT_OUT = ("mask_token",)
# Plain ViTs by name, and how many heads each has: no config says it, and no weight shows it.
PLAIN = re.compile(r"(?:vit|deit|deit3)_([a-z]+)_patch\d+(?:_reg\d+)?(?:_\d+|_dino|_dinov2)")
HEADS = {"tiny": 3, "small": 6, "medium": 8, "base": 12, "large": 16, "huge": 16, "giant": 16, "gigantic": 16}
FIXED: dict[str, Any] = {"layer_norm_eps": 1e-6}
GELUS: dict[str, Any] = {"gelu": "erf", "gelu_tanh": "tanh", "quick_gelu": "quick"}
POOL_NAMES: dict[str, Any] = {"token": "cls", "avg": "mean"}
MODULES = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """What the model looks like, from its config and its weights.

    Raises:
        UserError: an entry makes no sense, or asks for something that this ViT does not do.
    """
    args, cfg = typed(values, "model_args", Mapping, {}), typed(values, "pretrained_cfg", Mapping, {})
    architecture = typed(values, "architecture", str, "")
    plain = PLAIN.fullmatch(architecture)
    if not plain or plain[1] not in HEADS:
        raise UserError(
            f"config.json names the architecture {short(architecture)}, which is no plain Vision Transformer of timm: "
            "use one like vit_base_patch16_224"
        )
    gelu = typed(args, "act_layer", str, "gelu")
    pool = typed(args, "global_pool", str, typed(values, "global_pool", str, "token"))
    for what, word, known in (("act_layer", gelu, GELUS), ("global_pool", pool, POOL_NAMES)):
        if word not in known:
            raise UserError(
                f"config.json says {what} {short(word)}, which this ViT does not do: it does {', '.join(known)}"
            )
    embed_dim, in_chans, patch_size, _ = array_of(tensors, "patch_embed.proj.weight", "D C P P").shape
    positions = array_of(tensors, "pos_embed", "1 N D").shape[1]
    depth = depth_of(tensors, "blocks.{}.")
    hidden = array_of(tensors, "blocks.0.mlp.fc1.weight", "M D").shape[0] if depth else embed_dim
    registers, head = tensors.get("reg_token"), tensors.get("head.bias")
    return ViTConfig(
        img_size=_img_size(args, cfg, square_size(positions, patch_size)),
        patch_size=patch_size,
        in_chans=in_chans,
        num_classes=0 if head is None else head.size,
        embed_dim=embed_dim,
        depth=depth,
        num_heads=entry(args, "num_heads", HEADS[plain[1]]),
        mlp_ratio=entry(args, "mlp_ratio", ratio(hidden, embed_dim)),
        qkv_bias="blocks.0.attn.qkv.bias" in tensors or not depth,
        gelu=GELUS[gelu],
        pool=POOL_NAMES[pool],
        num_registers=0 if registers is None else registers.size // embed_dim,
        drop_rate=entry(args, "proj_drop_rate", 0.0),
        drop_path_rate=entry(args, "drop_path_rate", 0.0),
        layer_scale=entry(args, "init_values", 1e-5) if "blocks.0.ls1.gamma" in tensors else None,
        **FIXED,
    )


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
    """What of `config` timm has no word for; empty when it can be written in this layout."""
    return those_true(
        {
            "fixed positions": config.pos_embed != "learned",
            "a convolutional stem": config.stem != "patch",
            POOLS.get(config.pool, ""): config.pool not in ("cls", "mean"),
            "layer norm before the first block": config.pre_norm,
            "layer norm after pooling": config.fc_norm,
            "no layer norm after the last block": not config.final_norm,
            "tokens without a class token": not config.class_token,
        }
    )


def write_config(config: ViTConfig, class_names: Sequence[str], pretrained_cfg: Mapping[str, Any]) -> dict[str, Any]:
    """`config.json` for `timm.create_model("local-dir:FOLDER", pretrained=True)`."""
    model_args = {
        "img_size": list(config.image_shape),
        "patch_size": config.patch_size,
        "in_chans": config.in_chans,
        "embed_dim": config.embed_dim,
        "depth": config.depth,
        "num_heads": config.num_heads,
        "mlp_ratio": config.mlp_ratio,
        "qkv_bias": config.qkv_bias,
        "act_layer": {"erf": "gelu", "tanh": "gelu_tanh", "quick": "quick_gelu"}[config.gelu],
        "global_pool": {"cls": "token", "mean": "avg"}[config.pool],
        "fc_norm": False,
        "reg_tokens": config.num_registers,
        "proj_drop_rate": config.drop_rate,
        "drop_path_rate": config.drop_path_rate,
    }
    if config.layer_scale is not None:
        model_args["init_values"] = config.layer_scale
    return {
        "architecture": "vit_base_patch16_224",  # the plain one; model_args say what differs
        "num_classes": config.num_classes,
        "num_features": config.embed_dim,
        "global_pool": model_args["global_pool"],
        "model_args": model_args,
        "pretrained_cfg": {
            "input_size": list(config.input_shape),
            "num_classes": config.num_classes,
            "first_conv": "patch_embed.proj",
            "classifier": "head",
            "label_names": list(class_names),
            **pretrained_cfg,
        },
    }


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored. The names are ours: we took them from timm."""
    table = {name: same(name) for name in ("cls_token", "reg_token", "pos_embed", "patch_embed.proj.bias")}
    table["patch_embed.proj.weight"] = convolution("patch_embed.proj.weight", config.in_chans, config.patch_size)
    modules = [f"blocks.{index}.{module}" for index in range(config.depth) for module in MODULES]
    for name in (*modules, "norm", "head"):
        is_norm = name.split(".")[-1].startswith("norm")
        table[f"{name}.weight"] = (same if is_norm else transposed)(f"{name}.weight")
        table[f"{name}.bias"] = same(f"{name}.bias")
    gammas = [f"blocks.{index}.{scale}.gamma" for index in range(config.depth) for scale in ("ls1", "ls2")]
    return table | {name: same(name) for name in gammas}
