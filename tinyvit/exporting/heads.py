"""Graphs of models with a head on the encoder's tokens: segmentation, detection, sequences, and continual learning."""

from typing import Any

import numpy as np

from ..layers import BoxHead, SequenceHead
from ..ops import unpatchify_forward
from ..tasks.remembering import Learner
from .graph import BATCH, Graph, Value
from .layers import forward
from .ops import linear_forward
from .pools import pool_forward
from .subject import Arrays, Wanted, normalised, random_images, take_images
from .vit import encoder_answers, features_forward, give_encoder


class TokenReader:
    """images (B, C, H, W), or words (B, C, 1, T), -> what the head says; see `head_forward`.

    Args:
        config: of the model with its classes; the encoder's own has none.
        pixels: whether each patch answers for its pixels, as for segmentation.
    """

    def __init__(self, model: Any, wanted: Wanted, *, num_classes: int, pixels: bool = False):
        self.model, self.wanted, self.num_classes, self.pixels = model, wanted, num_classes, pixels

    def build(self, g: Graph) -> None:
        encoder = self.model.encoder
        tokens, saved = features_forward(g, encoder, take_images(g, encoder.config, self.wanted))
        self.head_forward(g, tokens, saved)
        give_encoder(g, encoder.config, saved, self.wanted)

    def head_forward(self, g: Graph, tokens: Value, saved: Any) -> None:
        """Tokens (B, N, D) -> "logits" (B, L, K) of patches or words, (B, K, H, W) of pixels, (B, M, K) of the first M
        tokens; of detection also "boxes" (B, L, 4), x1 y1 x2 y2 in pixels.
        """
        head, config, K = self.model.head, self.model.encoder.config, self.num_classes
        L, N, T = config.num_patches, config.num_tokens, config.num_prefix_tokens
        if isinstance(head, SequenceHead):
            logits = linear_forward(g, g.slice(tokens, 0, head.length, 1), head.proj.weight, head.proj.bias)
            g.output("logits", logits, (BATCH, head.length, K))
            return
        patches = g.slice(tokens, T, N, 1)
        if isinstance(head, BoxHead):
            g.output("logits", linear_forward(g, patches, head.scores.weight, head.scores.bias), (BATCH, L, K))
            z = g.widened(linear_forward(g, patches, head.sides.weight, head.sides.bias))
            reach = g("Mul", g("Exp", z), g.constant(head.signs, "head.signs", g.wide))
            corners = g("Add", reach, g.constant(head.middles, "head.middles", g.wide))
            g.output("boxes", g.narrowed(corners), (BATCH, L, 4))
            return
        logits = linear_forward(g, patches, head.weight, head.bias)  # (B, L, K), or (B, L, P*P*K)
        if self.pixels:
            (rows, columns), P = config.grid_size, config.patch_size
            pieces = g.transpose(g.reshape(logits, 0, rows, columns, P, P, K), 0, 5, 1, 3, 2, 4)
            g.output("logits", g.reshape(pieces, 0, K, rows * P, columns * P), (BATCH, K, *config.image_shape))
        else:
            g.output("logits", logits, (BATCH, L, K))

    def inputs(self, rng: np.random.Generator, count: int) -> Arrays:
        return random_images(self.model.encoder.config, self.wanted, self.model.dtype, rng, count)

    def answers(self, given: Arrays) -> Arrays:
        model, K = self.model, self.num_classes
        x = normalised(given, self.wanted, model.dtype)
        y, _ = model.forward(x)
        if isinstance(model.head, BoxHead):
            found = {"logits": y[..., :K], "boxes": y[..., K:]}
        else:
            found = {"logits": in_pixels(y, model.encoder.config, K) if self.pixels else y}
        return found | encoder_answers(model.encoder, x, self.wanted)


def in_pixels(y: np.ndarray, config: Any, num_classes: int) -> np.ndarray:
    """Logits of patches (B, L, P*P*K) -> of pixels (B, K, H, W)."""
    B, L, _ = y.shape
    P = config.patch_size
    channel_first = y.reshape(B, L, P * P, num_classes).swapaxes(2, 3).reshape(B, L, num_classes * P * P)
    return unpatchify_forward(channel_first, image_shape=config.image_shape, patch_size=P)[0]


class ContinualLearner:
    """images (B, C, H, W) -> "logits" (B, K) of all classes learned so far; the memory stays behind."""

    def __init__(self, model: Learner, wanted: Wanted):
        self.model, self.wanted = model, wanted

    def build(self, g: Graph) -> None:
        model, encoder = self.model, self.model.encoder
        x, saved = features_forward(g, encoder, take_images(g, encoder.config, self.wanted))
        x, _ = pool_forward(g, encoder.pool, x, encoder.config, encoder.config.num_tokens)
        x, _ = forward(g, encoder.fc_norm, x)
        x, _ = forward(g, encoder.head, x)
        logits, _ = forward(g, model.head, x)
        g.output("logits", logits, (BATCH, model.config.num_classes))
        give_encoder(g, encoder.config, saved, self.wanted)

    def inputs(self, rng: np.random.Generator, count: int) -> Arrays:
        return random_images(self.model.config, self.wanted, self.model.dtype, rng, count)

    def answers(self, given: Arrays) -> Arrays:
        x = normalised(given, self.wanted, self.model.dtype)
        return {"logits": self.model.predict(x)} | encoder_answers(self.model.encoder, x, self.wanted)
