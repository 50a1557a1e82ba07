"""Hugging Face's ViT: a folder of `config.json` and `model.safetensors` that `transformers` reads and writes.

Read too: the encoders of ViT-MAE and ViT-MSN. What DeiT, DINOv2, CLIP and SigLIP do their own way stands in files
beside this one, and what all of them share, here.
"""

from collections.abc import Callable, Mapping, Sequence
from reprlib import repr as short
from typing import Any

import numpy as np

from ..config import ViTConfig
from ..errors import UserError
from .config_entries import beyond_the_paper, class_names_of, entry, ratio, square, those_true, typed
from .layouts import Stored, convolution, joined, same, transposed

MODEL_TYPES = ("vit", "vit_mae", "vit_msn")
PREFIXES = ("vit.",)
# What a file may hold that has no part in the logits: the pooler, and what only pre-training needs.
LEFT_OUT = ("pooler.", "decoder.", "embeddings.mask_token")
HEAD = ("classifier.",)
# The same formula under several names; "gelu_fast" has ten digits of its constant, which is within 1e-11.
GELUS: dict[str, Any] = {
    "gelu": "erf", "gelu_python": "erf",
    "gelu_pytorch_tanh": "tanh", "gelu_new": "tanh", "gelu_accurate": "tanh", "gelu_python_tanh": "tanh",
    "gelu_fast": "tanh",
    "quick_gelu": "quick",
}  # fmt: skip
GELU_NAMES = {"erf": "gelu", "tanh": "gelu_pytorch_tanh", "quick": "quick_gelu"}
QKV = tuple(f"attention.attention.{name}" for name in ("query", "key", "value"))
MODULES = {
    "norm1": "layernorm_before",
    "attn.proj": "attention.output.dense",
    "norm2": "layernorm_after",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """Read the config; entries that are missing have `transformers`' defaults.

    Raises:
        UserError: an entry makes no sense, or asks for something that this ViT does not do.
    """
    return config_of(values, num_classes=classes_of(tensors, *HEAD))


def config_of(values: Mapping[str, Any], **own: Any) -> ViTConfig:
    """The entries that all of `transformers`' ViTs have, and what the family adds or has otherwise.

    Raises:
        UserError: as `read_config` does.
    """
    ours = typed(values, "tinyvit", Mapping, {})  # what only we have to say
    hidden_act = typed(values, "hidden_act", str, own.pop("hidden_act", "gelu"))
    if hidden_act not in GELUS:
        raise UserError(
            f"config.json says hidden_act {short(hidden_act)}, which this ViT does not do: use a model with one of "
            f"{', '.join(GELUS)}"
        )
    embed_dim, hidden = typed(values, "hidden_size", int, 768), typed(values, "intermediate_size", int, 3072)
    fields = {
        "img_size": entry(values, "image_size", 224),
        "patch_size": square(values, "patch_size", 16),
        "in_chans": entry(values, "num_channels", 3),
        "embed_dim": embed_dim,
        "depth": entry(values, "num_hidden_layers", 12),
        "num_heads": entry(values, "num_attention_heads", 12),
        "mlp_ratio": entry(ours, "mlp_ratio", ratio(hidden, embed_dim)),
        "qkv_bias": entry(values, "qkv_bias", True),
        "gelu": GELUS[hidden_act],
        "layer_norm_eps": entry(values, "layer_norm_eps", 1e-12),
        "drop_rate": entry(values, "hidden_dropout_prob", 0.0),
        "drop_path_rate": entry(ours, "drop_path_rate", 0.0),
        "init_std": entry(values, "initializer_range", 0.02),
    }
    config = ViTConfig(**fields | own)
    if config.hidden_dim != hidden and "mlp_ratio" not in own:
        raise UserError(
            f"config.json says intermediate_size {short(hidden)} but mlp_ratio {config.mlp_ratio}: remove one of them"
        )
    return config


def classes_of(tensors: Mapping[str, np.ndarray], *heads: str) -> int:
    """K, from the bias of the classifier whose name begins with one of `heads`; 0 where there is none."""
    return next((tensors[f"{head}bias"].size for head in heads if f"{head}bias" in tensors), 0)


def cannot_say(config: ViTConfig) -> str:
    """Properties of `config` that Hugging Face's ViT cannot express; empty when it can be written in this layout."""
    return those_true(beyond_the_paper(config))


def write_config(config: ViTConfig, class_names: Sequence[str], pretrained_cfg: Any = None) -> dict[str, Any]:
    """`config.json` for `transformers`; what only we know stands under "tinyvit"."""
    return {"architectures": ["ViTForImageClassification"], "model_type": "vit"} | values_of(config, class_names)


def values_of(config: ViTConfig, class_names: Sequence[str]) -> dict[str, Any]:
    """The entries that all of `transformers`' ViTs have."""
    return {
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


def without(*prefixes: str) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Filter of a file's arrays for the bare encoder: in a model with a head, the encoder's have a prefix."""

    def plain(name: str) -> str:
        return next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)

    return lambda tensors: {plain(name): array for name, array in tensors.items()}


def prefixed(prefix: str, *heads: str) -> Callable[[str], str]:
    """The inverse of `without`: the name in the file of a model with a head."""
    return lambda name: name if name.startswith(heads) else f"{prefix}{name}"


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored."""
    head = {"head.weight": transposed("classifier.weight"), "head.bias": same("classifier.bias")}
    return embedding(config) | encoder(config, "encoder.layer", QKV, MODULES) | norm("norm", "layernorm") | head


def embedding(config: ViTConfig) -> dict[str, Stored]:
    """Tokens, positions and patches, as ViT, DeiT and DINOv2 name them."""
    patches = "embeddings.patch_embeddings.projection"
    return {
        "cls_token": same("embeddings.cls_token"),
        "pos_embed": same("embeddings.position_embeddings"),
        "patch_embed.proj.weight": convolution(f"{patches}.weight", config.in_chans, config.patch_size),
        "patch_embed.proj.bias": same(f"{patches}.bias"),
    }


def encoder(config: ViTConfig, layers: str, qkv: Sequence[str], modules: Mapping[str, str]) -> dict[str, Stored]:
    """The blocks: `modules` says what each of our modules is called there, `qkv` what each of those three is."""
    table = {}
    for index in range(config.depth):
        block, layer = f"blocks.{index}", f"{layers}.{index}"
        attention = [f"{layer}.{name}" for name in qkv]
        table[f"{block}.attn.qkv.weight"] = joined([transposed(f"{name}.weight") for name in attention])
        table[f"{block}.attn.qkv.bias"] = joined([same(f"{name}.bias") for name in attention])
        for ours, theirs in modules.items():
            named = norm if ours.startswith("norm") else linear
            table |= named(f"{block}.{ours}", f"{layer}.{theirs}")
    return table


def norm(ours: str, theirs: str) -> dict[str, Stored]:
    """A layer norm."""
    return {f"{ours}.{part}": same(f"{theirs}.{part}") for part in ("weight", "bias")}


def linear(ours: str, theirs: str) -> dict[str, Stored]:
    """A linear layer of PyTorch."""
    return {f"{ours}.weight": transposed(f"{theirs}.weight"), f"{ours}.bias": same(f"{theirs}.bias")}
