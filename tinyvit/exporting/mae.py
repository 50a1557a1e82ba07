"""Graph of a masked autoencoder: images and the tokens that its encoder sees -> all patches."""

from typing import Any

import numpy as np

from ..layers import MaskedAutoencoder
from .graph import BATCH, Graph, Value
from .layers import block_forward, forward
from .ops import linear_forward
from .subject import Arrays, Wanted, normalised, random_images, take_images
from .tokens import scatter_tokens_forward
from .vit import features_forward

IDS = "ids"
VISIBLE = "visible"  # name of the free axis V


class Painter:
    """images (B, C, H, W) and "ids" int64 (B, V), of the tokens in front and the visible patches in ascending order, ->
    "patches" (B, L, C*P*P), each of mean 0 and variance 1, as they were in training.
    """

    def __init__(self, model: MaskedAutoencoder, wanted: Wanted):
        self.model, self.wanted = model, wanted

    def build(self, g: Graph) -> None:
        encoder, decoder = self.model.encoder, self.model.decoder
        images = take_images(g, encoder.config, self.wanted)
        ids = g.input(IDS, (BATCH, VISIBLE), np.int64)
        x, _ = features_forward(g, encoder, images, ids=ids)
        patches = decoder_forward(g, decoder, x, ids)
        values = encoder.config.in_chans * encoder.config.patch_size**2
        g.output("patches", patches, (BATCH, encoder.config.num_patches, values))

    def inputs(self, rng: np.random.Generator, count: int) -> Arrays:
        config = self.model.encoder.config
        T, L = config.num_prefix_tokens, config.num_patches
        visible = np.sort(rng.random((count, L)).argsort(axis=1)[:, : max(1, L // 4)], axis=1)
        ids = np.concatenate([np.broadcast_to(np.arange(T), (count, T)), T + visible], axis=1)
        return random_images(config, self.wanted, self.model.dtype, rng, count) | {IDS: ids}

    def answers(self, given: Arrays) -> Arrays:
        x = normalised(given, self.wanted, self.model.dtype)
        return {"patches": self.model.forward(x, ids=given[IDS])[0]}


def decoder_forward(g: Graph, decoder: Any, x: Value, ids: Value) -> Value:
    """(B, V, D) -> (B, L, C*P*P)."""
    x = linear_forward(g, x, decoder.embed.weight, decoder.embed.bias)
    x = scatter_tokens_forward(g, x, decoder.mask_token, ids, num_tokens=decoder.num_tokens)
    x = g("Add", x, g.weight(decoder.positions, "decoder.positions"))
    for block in decoder.blocks:
        x, _ = block_forward(g, block, x)
    x, _ = forward(g, decoder.norm, g.slice(x, decoder.num_prefix, decoder.num_tokens, 1))
    return linear_forward(g, x, decoder.pred.weight, decoder.pred.bias)
