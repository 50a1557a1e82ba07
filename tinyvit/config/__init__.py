"""What a Vision Transformer looks like before it is built: its config, known ones by name, and what they cost."""

from .presets import PRESETS, preset
from .vit import ViTConfig

__all__ = ["PRESETS", "ViTConfig", "preset"]
