"""A Vision Transformer as nodes of a graph: images -> tokens, and gradients back, as in `tinyvit/vit.py`."""

from typing import Any, NamedTuple, cast

import numpy as np

from ..backend import Array
from ..config.vit import CODES, ViTConfig
from ..layers import PatchEmbed, WordEmbed
from ..vit import VisionTransformer
from .graph import BATCH, Graph, Value
from .images import patchify_backward, patchify_forward
from .layers import BlockSaved, backward, block_backward, block_forward, forward
from .ops import linear_backward, linear_forward
from .subject import Arrays, Wanted
from .tokens import gather_tokens_forward, prepend_tokens_backward, prepend_tokens_forward


class ViTSaved(NamedTuple):
    stem: Any
    norm_pre: Any
    states: list[Value]  # (B, N, D) before the first block and after each
    blocks: list[BlockSaved]
    norm: Any


def embed_forward(g: Graph, model: VisionTransformer, x: Value) -> tuple[Value, Any, Any]:
    """(B, C, H, W) -> tokens (B, N, D)."""
    config, embed, stem = model.config, model.patch_embed, None
    if isinstance(embed, WordEmbed):
        x = words_forward(g, embed, x)
    else:
        x, stem = forward(g, embed.stem, x)
        x = patchify_forward(g, x, chans=patch_chans(model), grid=config.grid_size, patch_size=config.patch_size)
        x = linear_forward(g, x, embed.proj.weight, embed.proj.bias)
    x = prepend_tokens_forward(g, x, model._prefix_tokens())
    if config.pos_embed == "learned":
        x = g("Add", x, g.weight(model.pos_embed))
    else:
        x = g("Add", x, g.weight(model.sincos, "sincos"))
    x, norm_pre = forward(g, model.norm_pre, x)
    return x, stem, norm_pre


def embed_backward(g: Graph, model: VisionTransformer, dx: Value, saved: ViTSaved) -> Value:
    """dtokens (B, N, D) -> dimages (B, C, H, W)."""
    config, embed = model.config, cast(PatchEmbed, model.patch_embed)
    dx = backward(g, model.norm_pre, dx, saved.norm_pre)
    dx = prepend_tokens_backward(g, dx, num_prefix=config.num_prefix_tokens, num_tokens=config.num_tokens)
    dx = linear_backward(g, dx, embed.proj.weight)
    dx = patchify_backward(g, dx, chans=patch_chans(model), grid=config.grid_size, patch_size=config.patch_size)
    return backward(g, embed.stem, dx, saved.stem)


def patch_chans(model: VisionTransformer) -> int:
    """Channels that patches are cut from: the image's, or the stem's."""
    return int(model.patch_embed.proj.weight.shape[0]) // model.config.patch_size**2


def words_forward(g: Graph, embed: WordEmbed, x: Value) -> Value:
    """Codes (B, C, 1, T) -> (B, T, D): the sum of a row for each character in its place."""
    codes = g.transpose(g("Squeeze", x, g.ints(2)), 0, 2, 1)  # (B, T, C)
    ids = g("Add", codes, g.ints(*(CODES * np.arange(embed.in_chans)).tolist()))
    return g.sum(g("Gather", g.weight(embed.proj.weight), ids, axis=0), 2, keepdims=False)


def features_forward(
    g: Graph, model: VisionTransformer, x: Value, *, ids: Value | None = None, num_queries: int | None = None
) -> tuple[Value, ViTSaved]:
    """(B, C, H, W) -> tokens after the last norm, (B, N, D), or the first Q of them; with `ids` (B, V), these alone."""
    x, stem, norm_pre = embed_forward(g, model, x)
    x = x if ids is None else gather_tokens_forward(g, x, ids, embed_dim=model.config.embed_dim)
    states, blocks = [x], []
    for block in model.blocks:
        x, saved = block_forward(g, block, x, num_queries=num_queries if block is model.blocks[-1] else None)
        states.append(x)
        blocks.append(saved)
    x, norm = forward(g, model.norm, x)
    return x, ViTSaved(stem, norm_pre, states, blocks, norm)


def features_backward(g: Graph, model: VisionTransformer, dx: Value, saved: ViTSaved) -> tuple[Value, list[Value]]:
    """(B, N, D) -> dimages (B, C, H, W), and of each block the gradient of its attention weights (B, h, N, N)."""
    dx = backward(g, model.norm, dx, saved.norm)
    dweights = []
    for block, block_saved in zip(reversed(model.blocks), reversed(saved.blocks), strict=True):
        dx, dblock = block_backward(g, block, dx, block_saved)
        dweights.append(dblock)
    return embed_backward(g, model, dx, saved), dweights[::-1]


def give_encoder(g: Graph, config: ViTConfig, saved: ViTSaved, wanted: Wanted) -> None:
    """Add the outputs that show an encoder at work: attention maps and hidden states."""
    N = config.num_tokens
    if wanted.attention:
        for b, block in enumerate(saved.blocks):
            g.output(f"attention.{b}", block.attention.weights, (BATCH, config.num_heads, N, N))
    if wanted.hidden_states:
        for b, state in enumerate(saved.states):
            g.output(f"hidden_states.{b}", state, (BATCH, N, config.embed_dim))


def encoder_answers(model: VisionTransformer, x: Array, wanted: Wanted) -> Arrays:
    """The same from the model itself."""
    found = {f"attention.{b}": weights for b, weights in enumerate(model.attention(x))} if wanted.attention else {}
    if wanted.hidden_states:
        found |= {f"hidden_states.{b}": state for b, state in enumerate(model.hidden_states(x))}
    return found
