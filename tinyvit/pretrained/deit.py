"""Hugging Face's DeiT: a ViT with a distillation token, which is the first register to us, and with one head or two."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..config import ViTConfig
from . import huggingface as hf
from .config_entries import beyond_the_paper, those_true
from .layouts import Stored, same

MODEL_TYPES = ("deit",)
HEADS = {"head.cls": "cls_classifier", "head.dist": "distillation_classifier"}
HEAD = ("classifier.", "cls_classifier.", "distillation_classifier.")


def read_config(values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> ViTConfig:
    """As `huggingface.read_config`; with two heads, the logits are the mean of theirs."""
    pool = "cls+dist" if "distillation_classifier.bias" in tensors else "cls"
    return hf.config_of(values, num_classes=hf.classes_of(tensors, *HEAD), num_registers=1, pool=pool)


def cannot_say(config: ViTConfig) -> str:
    """Properties of `config` that DeiT cannot express."""
    beyond = beyond_the_paper(config) | {"two heads": False, "registers": False}
    return those_true(beyond | {f"{config.num_registers} registers in place of one": config.num_registers != 1})


def write_config(config: ViTConfig, class_names: Sequence[str], pretrained_cfg: Any = None) -> dict[str, Any]:
    """`config.json` for `transformers`."""
    kind = "DeiTForImageClassification" + "WithTeacher" * (config.pool == "cls+dist")
    return {"architectures": [kind], "model_type": "deit"} | hf.values_of(config, class_names)


def layout(config: ViTConfig) -> dict[str, Stored]:
    """Every parameter by our name: where it is stored."""
    heads = {name: part for ours, theirs in HEADS.items() for name, part in hf.linear(ours, theirs).items()}
    return hf.layout(config) | {"reg_token": same("embeddings.distillation_token")} | heads
