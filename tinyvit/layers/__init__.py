"""Layers: parameters and the ops that use them, in small classes that keep no activation."""

from .attention import Attention, AttentionLayerSaved
from .attention_pool import AttentionPool
from .block import Block, BlockSaved, BranchSaved
from .box_head import BoxHead, BoxHeadSaved
from .conv2d import Conv2d
from .conv_stem import ConvStem, ConvStemSaved
from .dense_head import DenseHead
from .distilled_head import DistilledHead
from .dit import DiT, DiTSaved, time_features
from .dit_block import DiTBlock, DiTBlockSaved
from .dropout import Dropout, DropPath
from .encoder_with_head import EncoderWithHead, EncoderWithHeadSaved
from .init import INIT_STD, NO_DRAWS, spread_to, truncated_normal
from .layer import Grads, Identity, Layer, prefixed
from .layer_norm import LayerNorm
from .layer_scale import LayerScale
from .linear import Linear
from .mae_decoder import MAEDecoder
from .masked_autoencoder import MaskedAutoencoder, MaskedAutoencoderSaved
from .mlp import Mlp, MlpSaved
from .patch_embed import PatchEmbed, PatchEmbedSaved, check_images, patch_embed
from .pool import Pool
from .recompute import Recompute, RecomputeSaved
from .sequence_head import SequenceHead, SequenceHeadSaved
from .word_embed import WordEmbed, WordEmbedSaved

__all__ = [
    "INIT_STD",
    "NO_DRAWS",
    "Attention",
    "AttentionLayerSaved",
    "AttentionPool",
    "Block",
    "BlockSaved",
    "BoxHead",
    "BoxHeadSaved",
    "BranchSaved",
    "Conv2d",
    "ConvStem",
    "ConvStemSaved",
    "DenseHead",
    "DiT",
    "DiTBlock",
    "DiTBlockSaved",
    "DiTSaved",
    "DistilledHead",
    "DropPath",
    "Dropout",
    "EncoderWithHead",
    "EncoderWithHeadSaved",
    "Grads",
    "Identity",
    "Layer",
    "LayerNorm",
    "LayerScale",
    "Linear",
    "MAEDecoder",
    "MaskedAutoencoder",
    "MaskedAutoencoderSaved",
    "Mlp",
    "MlpSaved",
    "PatchEmbed",
    "PatchEmbedSaved",
    "Pool",
    "Recompute",
    "RecomputeSaved",
    "SequenceHead",
    "SequenceHeadSaved",
    "WordEmbed",
    "WordEmbedSaved",
    "check_images",
    "patch_embed",
    "prefixed",
    "spread_to",
    "time_features",
    "truncated_normal",
]
