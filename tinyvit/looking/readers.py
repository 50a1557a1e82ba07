"""Readers: the tokens that the head reads, as shares, and rows over tokens as maps over the patches."""

from ..backend import Array, array_module
from ..config import ViTConfig
from .look import Look


def readers(seen: Look) -> Array:
    """Share with which the head reads each token: (B, N), rows sum to 1.

    The class token alone, or the patches alike; where two vectors stand side by side, each with one half. Attention
    pooling reads with the weights of its one query, mean of its heads.
    """
    config, (B, N, _) = seen.model.config, seen.states[0].shape
    xp = array_module(seen.logits)
    shares = xp.zeros((B, N), seen.logits.dtype)
    prefix = config.num_prefix_tokens
    if config.pool == "map":
        shares[:, prefix:] = seen.saved.pool.attention.weights[:, :, 0].mean(axis=1)  # (B, h, 1, L)
    elif config.pool == "mean":
        shares[:, prefix:] = 1.0 / config.num_patches
    elif config.pool == "cls+mean":
        shares[:, 0] = 0.5
        shares[:, prefix:] += 0.5 / config.num_patches
    else:
        shares[:, : config.num_queries] = 1.0 / (config.num_queries or 1)  # the class token, and a distillation token
    return shares


def on_grid(rows: Array, config: ViTConfig) -> Array:
    """The patches of (..., N) as a map (..., rows, columns); what goes to class token and registers is left out."""
    return rows[..., config.num_prefix_tokens :].reshape(*rows.shape[:-1], *config.grid_size)
