"""Small models of every kind, for the gradient check and other tests: sizes odd and all different."""

from typing import Any

from ..config import ViTConfig

SMALL: dict[str, Any] = {
    "img_size": (4, 6),
    "patch_size": 2,
    "in_chans": 2,
    "num_classes": 3,
    "embed_dim": 8,
    "depth": 2,
    "num_heads": 2,
    "mlp_ratio": 1.5,
}
WORDS: dict[str, Any] = {"img_size": (1, 7), "patch_size": 1, "stem": "words"}

MODELS: dict[str, ViTConfig] = {
    "cls token, erf": ViTConfig(**SMALL),
    "mean pooling": ViTConfig(**SMALL, pool="mean"),
    "tanh": ViTConfig(**SMALL, gelu="tanh"),
    "registers": ViTConfig(**SMALL, num_registers=2),
    "sincos2d": ViTConfig(**SMALL, pos_embed="sincos2d"),
    "drop path, dropout": ViTConfig(**SMALL, drop_path_rate=0.3, drop_rate=0.2),
    "layer scale": ViTConfig(**SMALL, layer_scale=0.1),
    "no qkv bias": ViTConfig(**SMALL, qkv_bias=False),
    "conv stem": ViTConfig(**SMALL, stem="conv"),
    "features": ViTConfig(**SMALL | {"num_classes": 0}),
    "no class token, fc_norm": ViTConfig(**SMALL, pool="mean", class_token=False, fc_norm=True),
    "no class token, registers, no final norm": ViTConfig(
        **SMALL, pool="mean", class_token=False, num_registers=2, final_norm=False
    ),
    "distilled": ViTConfig(**SMALL, pool="cls+dist", num_registers=1),
    "distilled, features": ViTConfig(**SMALL | {"num_classes": 0}, pool="cls+dist", num_registers=2),
    "cls+mean": ViTConfig(**SMALL, pool="cls+mean", num_registers=2, layer_scale=0.3),
    "pre-norm, quick": ViTConfig(**SMALL, pre_norm=True, gelu="quick"),
    "attention pooling": ViTConfig(**SMALL, pool="map", class_token=False, pos_embed="sincos2d"),
    "attention pooling, prefix": ViTConfig(**SMALL, pool="map", num_registers=1),
    "square, one channel": ViTConfig(**SMALL | {"img_size": 6, "patch_size": 3, "in_chans": 1}),
    "everything": ViTConfig(
        **SMALL, pool="mean", gelu="tanh", num_registers=3, drop_path_rate=0.4, layer_scale=0.2, layer_norm_eps=1e-4
    ),
}


WORD_MODELS = {
    "words": ViTConfig(**SMALL | WORDS, drop_rate=0.2),
    "letters": ViTConfig(**SMALL | WORDS | {"in_chans": 1}),
}
