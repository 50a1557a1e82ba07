"""A masked autoencoder: an encoder that sees some of the patches, and a decoder that paints all of them.

Source: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377.
"""

from typing import Any, NamedTuple

from ..backend import Array
from .layer import Grads, Layer, prefixed
from .mae_decoder import MAEDecoder, MAEDecoderSaved


class MaskedAutoencoderSaved(NamedTuple):
    encoder: Any  # FeaturesSaved
    decoder: MAEDecoderSaved


class MaskedAutoencoder(Layer):
    """images (B, C, H, W) and the tokens `ids` (B, V) that the encoder sees -> the pixels of all patches (B, L, C*P*P).

    Args:
        encoder: a `VisionTransformer`, whose pool and head are not used.
        decoder: for its tokens.
    """

    def __init__(self, encoder: Any, decoder: MAEDecoder):
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Array, *, ids: Array, rng: Any = None) -> tuple[Array, MaskedAutoencoderSaved]:  # type: ignore[override]
        """
        Args:
            ids: of the N tokens, in ascending order: those in front, and those of the visible patches.
        """
        x, encoder = self.encoder.forward_features(x, ids=ids, rng=rng)  # (B, C, H, W) -> (B, V, D)
        y, decoder = self.decoder.forward(x, ids=ids, rng=rng)  # -> (B, L, C*P*P)
        return y, MaskedAutoencoderSaved(encoder, decoder)

    def backward(self, dy: Array, saved: MaskedAutoencoderSaved) -> tuple[Array, Grads]:
        dx, ddecoder = self.decoder.backward(dy, saved.decoder)
        dimages, dencoder = self.encoder.backward_features(dx, saved.encoder)
        return dimages, prefixed("encoder", dencoder) | prefixed("decoder", ddecoder)
