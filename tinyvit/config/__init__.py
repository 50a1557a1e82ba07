"""Configurations: the architecture of a Vision Transformer, presets by name, and costs before it is built."""

from .presets import PRESETS, preset
from .vit import ViTConfig

__all__ = ["PRESETS", "ViTConfig", "preset"]
