"""The vision tower of Hugging Face's CLIP: layer norm before the first block, and a projection in the head's place.

The projection into the space that images share with texts has no bias and names no classes. A file may hold the text
tower as well, which is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..config import ViTConfig
from . import huggingface as hf
from .config_entries import beyond_the_paper, entry, square, those_true, typed
from .layouts import Stored, convolution, nothing, one_row, rows, same, transposed

MODEL_TYPES = ("clip", "clip_vision_model")
PREFIX = "vision_model."
HEAD = ("classifier.", "visual_projection.")
PROJECTION = "visual_projection.weight"
LEFT_OUT = (
    "text_model.",
    "text_projection.",
    "logit_scale",
    "logit_bias",
    "embeddings.position_ids",
    "post_layernorm.",
)
QKV = tuple(f"self_attn.{name}_proj" for name in "qkv")
MODULES = {"norm1": "layer_norm1", "attn.proj": "self_attn.out_proj", "norm2": "layer_norm2"}
MODULES |= {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """Config of the vision tower: without a head, with the projection, or, as CLIPForImageClassification, with a
    classifier of the mean of tokens that no layer norm has seen.

    Raises:
        UserError: as `huggingface.read_config` does.
    """
    own = tower(values)
    num_classes, projection = hf.classes_of(tensors, "classifier."), tensors.get(PROJECTION)
    return hf.config_of(
        own,
        hidden_act="quick_gelu",
        layer_norm_eps=entry(own, "layer_norm_eps", 1e-5),
        patch_size=square(own, "patch_size", 32),
        num_classes=num_classes or (0 if projection is None else len(projection)),
        pool="mean" if num_classes else "cls",
        final_norm=not num_classes,
        pre_norm=True,
    )


def tower(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entries of the vision tower: of a model of two towers, they stand under "vision_config"."""
    return typed(values, "vision_config", Mapping, {}) if values["model_type"] in ("clip", "siglip") else values


def cannot_say(config: ViTConfig) -> str:
    """Properties of `config` that the vision tower of CLIP cannot express."""
    beyond = beyond_the_paper(config) | {"layer norm before the first block": False}
    beyond |= {"a head": config.num_classes > 0, "blocks without layer norm before them": not config.pre_norm}
    return those_true(beyond | {"queries, keys and values without a bias": not config.qkv_bias})


def write_config(config: ViTConfig, class_names: Sequence[str], pretrained_cfg: Any = None) -> dict[str, Any]:
    """`config.json` for `transformers`."""
    values = {"architectures": ["CLIPVisionModel"], "model_type": "clip_vision_model"}
    return values | hf.values_of(config, class_names)


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored."""
    is_projection = config.num_classes > 0 and config.pool == "cls"
    projection = {"head.weight": transposed(PROJECTION), "head.bias": nothing(config.num_classes)}
    return (
        vision_tower(config)
        | {"cls_token": one_row("embeddings.class_embedding")}
        | hf.norm("norm_pre", "pre_layrnorm")
        | (projection if is_projection else hf.linear("head", "classifier"))
    )


def vision_tower(config: ViTConfig) -> dict[str, Stored]:
    """Config that CLIP and SigLIP have in common."""
    patches = "embeddings.patch_embedding"
    embedding = {
        "pos_embed": rows("embeddings.position_embedding.weight"),
        "patch_embed.proj.weight": convolution(f"{patches}.weight", config.in_chans, config.patch_size),
        "patch_embed.proj.bias": same(f"{patches}.bias"),
    }
    norm = hf.norm("norm", "post_layernorm") if config.final_norm else {}
    return embedding | hf.encoder(config, "encoder.layers", QKV, MODULES) | norm
