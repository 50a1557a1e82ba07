"""A model of two parts: an encoder that makes tokens of images, and a head of any kind that reads all of them."""

from typing import Any, NamedTuple

from ..backend import Array
from .layer import Grads, Layer, prefixed


class EncoderWithHeadSaved(NamedTuple):
    encoder: Any  # FeaturesSaved
    head: Any


class EncoderWithHead(Layer):
    """images (B, C, H, W) -> tokens (B, N, D) -> the head's answers.

    Args:
        encoder: a layer with `forward_features` and `backward_features`: a `VisionTransformer`.
        head: a layer on all its tokens.
    """

    def __init__(self, encoder: Any, head: Layer):
        self.encoder = encoder
        self.head = head

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, EncoderWithHeadSaved]:
        tokens, encoder = self.encoder.forward_features(x, rng=rng)
        y, head = self.head.forward(tokens, rng=rng)
        return y, EncoderWithHeadSaved(encoder, head)

    def backward(self, dy: Array, saved: EncoderWithHeadSaved) -> tuple[Array, Grads]:
        dtokens, dhead = self.head.backward(dy, saved.head)
        dimages, dencoder = self.encoder.backward_features(dtokens, saved.encoder)
        return dimages, prefixed("encoder", dencoder) | prefixed("head", dhead)
