"""The vision tower of Hugging Face's SigLIP: no class token, and attention pooling, or a classifier of the mean."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..config import ViTConfig
from . import clip
from . import huggingface as hf
from .config_entries import beyond_the_paper, entry, those_true
from .layouts import Stored, same, transposed

MODEL_TYPES = ("siglip", "siglip_vision_model")
LEFT_OUT = (*clip.LEFT_OUT, "head.")  # attention pooling, where a classifier looks at the mean


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """Read the config of the vision tower.

    Raises:
        UserError: as `huggingface.read_config` does.
    """
    own = clip.tower(values)
    num_classes = hf.classes_of(tensors, *hf.HEAD)
    return hf.config_of(
        own,
        hidden_act="gelu_pytorch_tanh",
        layer_norm_eps=entry(own, "layer_norm_eps", 1e-6),
        num_classes=num_classes,
        pool="map" if "head.probe" in tensors and not num_classes else "mean",
        class_token=False,
    )


def cannot_say(config: ViTConfig) -> str:
    """Properties of `config` that the vision tower of SigLIP cannot express."""
    beyond = beyond_the_paper(config) | {"mean pooling": False, "attention pooling": False}
    beyond |= {"tokens without a class token": False, "a class token": config.class_token}
    with_head = config.num_classes > 0
    return those_true(
        beyond
        | {
            "a head behind attention pooling": config.pool == "map" and with_head,
            "mean pooling without a head": config.pool == "mean" and not with_head,
            "queries, keys and values without a bias": not config.qkv_bias,
        }
    )


def write_config(config: ViTConfig, class_names: Sequence[str], pretrained_cfg: Any = None) -> dict[str, Any]:
    """`config.json` for `transformers`."""
    values = hf.values_of(config, class_names)
    if not config.num_classes:
        return {"architectures": ["SiglipVisionModel"], "model_type": "siglip_vision_model"} | values
    names = {name: values.pop(name) for name in ("id2label", "label2id")}
    tower = values | {"model_type": "siglip_vision_model", "vision_use_head": False}
    return {"architectures": ["SiglipForImageClassification"], "model_type": "siglip", "vision_config": tower, **names}


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored."""
    pool = {
        "pool.latent": same("head.probe"),
        "pool.qkv.weight": transposed("head.attention.in_proj_weight"),
        "pool.qkv.bias": same("head.attention.in_proj_bias"),
    }
    pool |= hf.linear("pool.proj", "head.attention.out_proj") | hf.norm("pool.norm", "head.layernorm")
    pool |= hf.linear("pool.mlp.fc1", "head.mlp.fc1") | hf.linear("pool.mlp.fc2", "head.mlp.fc2")
    return clip.vision_tower(config) | (pool if config.pool == "map" else hf.linear("head", "classifier"))
