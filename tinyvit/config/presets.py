"""Configurations by name, as timm and the ViT papers spell them."""

from ..errors import UserError
from .vit import ViTConfig

PRESETS: dict[str, ViTConfig] = {
    # 28x28 digits in 16 patches: 139,018 parameters, trains in minutes on a laptop. The papers' init_std of 0.02 suits
    # 768 features per token; a token of 64 wants about sqrt(768 / 64) times as much, and learns twice as fast with it.
    "tiny": ViTConfig(
        img_size=28,
        patch_size=7,
        in_chans=1,
        num_classes=10,
        embed_dim=64,
        depth=4,
        num_heads=4,
        mlp_ratio=2.0,
        init_std=0.08,
    ),
    "vit_tiny_patch16_224": ViTConfig(embed_dim=192, depth=12, num_heads=3),
    "vit_small_patch16_224": ViTConfig(embed_dim=384, depth=12, num_heads=6),
    "vit_base_patch16_224": ViTConfig(embed_dim=768, depth=12, num_heads=12),
    "vit_large_patch16_224": ViTConfig(embed_dim=1024, depth=24, num_heads=16),
}


def preset(name: str) -> ViTConfig:
    """The configuration called `name`.

    Raises:
        UserError: there is none of that name.
    """
    if name not in PRESETS:
        raise UserError(f"there is no preset called {name!r}: choose from {', '.join(PRESETS)}")
    return PRESETS[name]
