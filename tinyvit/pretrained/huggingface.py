"""Hugging Face's ViT: a folder of `config.json` and `model.safetensors` that `transformers` reads and writes.

Read too: DeiT, whose distillation token is a register to us, and the encoders of ViT-MAE and ViT-MSN.
"""

from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

import numpy as np

from ..config import ViTConfig
from ..errors import UserError
from .layouts import Stored, convolution, joined, same, transposed
from .reading import beyond_the_paper, class_names_of, entry, ratio, those_true, typed

MODEL_TYPES = ("vit", "deit", "vit_mae", "vit_msn")
PREFIXES = ("vit.", "deit.")
# What a file may hold that has no part in the logits: the pooler, and what only pre-training needs.
LEFT_OUT = ("pooler.", "decoder.", "embeddings.mask_token")
HEAD = ("classifier.", "cls_classifier.", "distillation_classifier.")
# The same formula under several names; "gelu_fast" has ten digits of its constant, which is within 1e-11.
GELUS: dict[str, Any] = {
    "gelu": "erf", "gelu_python": "erf",
    "gelu_pytorch_tanh": "tanh", "gelu_new": "tanh", "gelu_accurate": "tanh", "gelu_python_tanh": "tanh",
    "gelu_fast": "tanh",
    "quick_gelu": "quick",
}  # fmt: skip
GELU_NAMES = {"erf": "gelu", "tanh": "gelu_pytorch_tanh", "quick": "quick_gelu"}
MODULES = {
    "norm1": "layernorm_before",
    "attn.proj": "attention.output.dense",
    "norm2": "layernorm_after",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """What the model looks like; entries that are missing have `transformers`' defaults.

    Raises:
        UserError: an entry makes no sense, or asks for something that this ViT does not do.
    """
    own = typed(values, "tinyvit", Mapping, {})  # what only we have to say
    hidden_act = typed(values, "hidden_act", str, "gelu")
    if hidden_act not in GELUS:
        raise UserError(
            f"config.json says hidden_act {short(hidden_act)}, which this ViT does not do: use a model with one of "
            f"{', '.join(GELUS)}"
        )
    embed_dim, hidden = typed(values, "hidden_size", int, 768), typed(values, "intermediate_size", int, 3072)
    head = tensors.get("classifier.bias")
    config = ViTConfig(
        img_size=entry(values, "image_size", 224),
        patch_size=entry(values, "patch_size", 16),
        in_chans=entry(values, "num_channels", 3),
        num_classes=0 if head is None else head.size,
        embed_dim=embed_dim,
        depth=entry(values, "num_hidden_layers", 12),
        num_heads=entry(values, "num_attention_heads", 12),
        mlp_ratio=entry(own, "mlp_ratio", ratio(hidden, embed_dim)),
        qkv_bias=entry(values, "qkv_bias", True),
        gelu=GELUS[hidden_act],
        layer_norm_eps=entry(values, "layer_norm_eps", 1e-12),
        num_registers=1 if values["model_type"] == "deit" else 0,
        drop_rate=entry(values, "hidden_dropout_prob", 0.0),
        drop_path_rate=entry(own, "drop_path_rate", 0.0),
        init_std=entry(values, "initializer_range", 0.02),
    )
    if config.hidden_dim != hidden:
        raise UserError(
            f"config.json says intermediate_size {short(hidden)} but mlp_ratio {config.mlp_ratio}: remove one of them"
        )
    return config


def cannot_say(config: ViTConfig) -> str:
    """What of `config` Hugging Face's ViT has no word for; empty when it can be written in this layout."""
    return those_true(beyond_the_paper(config))


def write_config(config: ViTConfig, class_names: Sequence[str]) -> dict[str, Any]:
    """`config.json` for `transformers`; what only we know stands under "tinyvit"."""
    return {
        "architectures": ["ViTForImageClassification"],
        "model_type": "vit",
        "hidden_size": config.embed_dim,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.hidden_dim,
        "hidden_act": GELU_NAMES[config.gelu],
        "hidden_dropout_prob": config.drop_rate,
        "attention_probs_dropout_prob": 0.0,
        "initializer_range": config.init_std,
        "layer_norm_eps": config.layer_norm_eps,
        "image_size": config.img_size,
        "patch_size": config.patch_size,
        "num_channels": config.in_chans,
        "qkv_bias": config.qkv_bias,
        "id2label": {str(index): name for index, name in enumerate(class_names)},
        "label2id": {name: index for index, name in enumerate(class_names)},
        "tinyvit": {"mlp_ratio": config.mlp_ratio, "drop_path_rate": config.drop_path_rate},
    }


def read_class_names(values: Mapping[str, Any], num_classes: int) -> tuple[str, ...] | None:
    """The names under "id2label", in order; None if there are none.

    Raises:
        UserError: there is another number of them than of classes.
    """
    return class_names_of(values.get("id2label"), num_classes)


def plain_names(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays by the names they have in `ViTModel`: in a model with a head, the encoder's have a prefix."""
    plain = {}
    for name, array in tensors.items():
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        plain[name] = array
    return plain


def file_name(name: str) -> str:
    """The inverse of `plain_names`: the name in the file of a ViTForImageClassification."""
    return name if name.startswith(HEAD) else f"vit.{name}"


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored."""
    table = {
        "cls_token": same("embeddings.cls_token"),
        "reg_token": same("embeddings.distillation_token"),
        "pos_embed": same("embeddings.position_embeddings"),
        "patch_embed.proj.weight": convolution(
            "embeddings.patch_embeddings.projection.weight", config.in_chans, config.patch_size
        ),
        "patch_embed.proj.bias": same("embeddings.patch_embeddings.projection.bias"),
    }
    for index in range(config.depth):
        block, layer = f"blocks.{index}", f"encoder.layer.{index}"
        attention = [f"{layer}.attention.attention.{name}" for name in ("query", "key", "value")]
        table[f"{block}.attn.qkv.weight"] = joined([transposed(f"{name}.weight") for name in attention])
        table[f"{block}.attn.qkv.bias"] = joined([same(f"{name}.bias") for name in attention])
        for ours, theirs in MODULES.items():
            weight = same if ours.startswith("norm") else transposed
            table[f"{block}.{ours}.weight"] = weight(f"{layer}.{theirs}.weight")
            table[f"{block}.{ours}.bias"] = same(f"{layer}.{theirs}.bias")
    return table | {
        "norm.weight": same("layernorm.weight"),
        "norm.bias": same("layernorm.bias"),
        "head.weight": transposed("classifier.weight"),
        "head.bias": same("classifier.bias"),
    }
