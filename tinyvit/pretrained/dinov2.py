"""Hugging Face's DINOv2, with and without registers: layer scale, and a head that pools class token and mean."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..config import ViTConfig
from ..errors import UserError
from ..images.processor_files import IMAGENET_MEAN, IMAGENET_STD
from . import huggingface as hf
from .config_entries import beyond_the_paper, entry, those_true
from .layouts import Stored, same

MODEL_TYPES = ("dinov2", "dinov2_with_registers")
PREFIXES = ("dinov2.", "dinov2_with_registers.")
# What its makers did to images, where no file says it.
PIXELS = {
    "image_processor_type": "BitImageProcessor",
    "size": {"shortest_edge": 256},
    "image_mean": IMAGENET_MEAN,
    "image_std": IMAGENET_STD,
}
MODULES = {"norm1": "norm1", "attn.proj": "attention.output.dense", "norm2": "norm2"}
MODULES |= {"mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """Read the config; entries that are missing have `transformers`' defaults.

    Raises:
        UserError: as `huggingface.read_config` does, and of a SwiGLU.
    """
    if entry(values, "use_swiglu_ffn", False) is not False:
        raise UserError(
            "config.json says use_swiglu_ffn, a gated MLP (SwiGLU) that this ViT does not have: use a smaller DINOv2, "
            "small, base or large"
        )
    num_classes = hf.classes_of(tensors, *hf.HEAD)
    registers = tensors.get("embeddings.register_tokens")
    return hf.config_of(
        values,
        num_classes=num_classes,
        num_registers=0 if registers is None else registers.shape[-2],
        mlp_ratio=entry(values, "mlp_ratio", 4),
        layer_norm_eps=entry(values, "layer_norm_eps", 1e-6),
        layer_scale=entry(values, "layerscale_value", 1.0),
        drop_path_rate=entry(values, "drop_path_rate", 0.0),
        pool="cls+mean" if num_classes else "cls",
    )


def cannot_say(config: ViTConfig) -> str:
    """Properties of `config` that DINOv2 cannot express."""
    beyond = beyond_the_paper(config) | {"registers": False, "layer scale": False}
    if config.pool == "cls+mean":
        beyond["a head that pools the class token and the mean"] = False
    return those_true(
        beyond
        | {
            "blocks without layer scale": config.layer_scale is None,
            "an mlp_ratio that is no whole number": config.mlp_ratio != int(config.mlp_ratio),
            "a head that pools the class token alone": config.pool == "cls" and config.num_classes > 0,
            "the class token and the mean without a head": config.pool == "cls+mean" and not config.num_classes,
        }
    )


def write_config(config: ViTConfig, class_names: Sequence[str], pretrained_cfg: Any = None) -> dict[str, Any]:
    """`config.json` for `transformers`."""
    kind = "Dinov2WithRegisters" if config.num_registers else "Dinov2"
    values = hf.values_of(config, class_names)
    del values["intermediate_size"]
    return values | {
        "architectures": [kind + ("ForImageClassification" if config.num_classes else "Model")],
        "model_type": MODEL_TYPES[1 if config.num_registers else 0],
        "mlp_ratio": int(config.mlp_ratio),
        "drop_path_rate": config.drop_path_rate,
        "layerscale_value": config.layer_scale,
        "num_register_tokens": config.num_registers,
        "use_mask_token": False,
        "use_swiglu_ffn": False,
    }


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored."""
    table = hf.layout(config) | hf.encoder(config, "encoder.layer", hf.QKV, MODULES)
    for index in range(config.depth):
        for scale in ("1", "2"):
            table[f"blocks.{index}.ls{scale}.gamma"] = same(f"encoder.layer.{index}.layer_scale{scale}.lambda1")
    return table | {"reg_token": same("embeddings.register_tokens")}


def fold(config: ViTConfig, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Our parameters with the registers' positions added to the registers, as these have none in the file."""
    if not config.num_registers:
        return dict(state)
    cls, registers, patches = np.split(state["pos_embed"], [1, 1 + config.num_registers], axis=1)
    positions = np.concatenate([cls, patches], axis=1)
    return {**state, "reg_token": state["reg_token"] + registers, "pos_embed": positions}
