"""Cases of the gradient check: every op, every layer, and whole models of every kind."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import to_device
from ..config import ViTConfig
from ..layers import (
    Attention,
    AttentionPool,
    Block,
    BoxHead,
    Conv2d,
    ConvStem,
    DenseHead,
    DistilledHead,
    DiT,
    DiTBlock,
    Dropout,
    DropPath,
    EncoderWithHead,
    Identity,
    Layer,
    LayerNorm,
    LayerScale,
    Linear,
    MAEDecoder,
    MaskedAutoencoder,
    Mlp,
    PatchEmbed,
    Pool,
    Recompute,
    SequenceHead,
    WordEmbed,
)
from ..ops import OPS
from ..vit import VisionTransformer
from .check import THRESHOLD, check_gradients
from .configs import MODELS, SMALL, WORD_MODELS, WORDS
from .exact import check_exact
from .report import GradientReport
from .samples import Inputs, op_samples


class Case(NamedTuple):
    """One thing to check: build(rng) gives what to check, its inputs and its options."""

    kind: str  # "op", "layer" or "model"
    name: str
    build: Callable[[np.random.Generator], tuple[Any, Inputs, dict[str, Any]]]

    def check(
        self, *, seed: int = 0, threshold: float = THRESHOLD, device: str = "cpu"
    ) -> tuple[GradientReport, Inputs]:
        """The report of a check on `device`, and the inputs that were used."""
        rng = np.random.default_rng(seed)
        f, inputs, options = self.build(rng)
        if device != "cpu":
            f = f.to(device) if isinstance(f, Layer) else f
            inputs, options = (_moved(arrays, device) for arrays in (inputs, options))
        return check_gradients(f, inputs, options=options, rng=rng, threshold=threshold), inputs

    def check_exact(self, *, seed: int = 0) -> GradientReport:
        """The report of a check of the same inputs by dual numbers."""
        rng = np.random.default_rng(seed)
        f, inputs, options = self.build(rng)
        return check_exact(f, inputs, options=options, rng=rng)


def _moved(arguments: dict[str, Any], device: str) -> dict[str, Any]:
    return {name: to_device(x, device) if isinstance(x, np.ndarray) else x for name, x in arguments.items()}


def op_cases(name: str) -> list[Case]:
    """One case for each of the op's samples."""

    def build(index: int) -> Callable[[np.random.Generator], tuple[Any, Inputs, dict[str, Any]]]:
        return lambda rng: (OPS[name], *op_samples(name, rng)[index])

    return [Case("op", name, build(index)) for index in range(len(op_samples(name, np.random.default_rng(0))))]


def shaken(layer: Layer, rng: np.random.Generator) -> Layer:
    """The layer in float64 with every parameter moved to a random place: fresh zeros and ones hide mistakes."""
    layer = layer.astype(np.float64)
    for array in layer.parameters().values():
        array[...] = rng.uniform(0.2, 0.6, array.shape) * rng.choice([-1.0, 1.0], array.shape)
    return layer


def _layer(make: Callable[[np.random.Generator], Layer], *shape: int, random: bool = False) -> Callable[..., Any]:
    def build(rng: np.random.Generator) -> tuple[Any, Inputs, dict[str, Any]]:
        options = {"rng": lambda: np.random.default_rng(5)} if random else {}
        return shaken(make(rng), rng), {"x": rng.standard_normal(shape)}, options

    return build


def _dit_block(rng: np.random.Generator) -> tuple[Any, Inputs, dict[str, Any]]:
    inputs: Inputs = {"x": rng.standard_normal((3, 5, 6)), "condition": rng.standard_normal((3, 6))}
    return shaken(DiTBlock(6, 2, 8, rng=rng), rng), inputs, {}


def _dit(config: ViTConfig) -> Callable[..., Any]:
    """Of the three images one has no label."""

    def build(rng: np.random.Generator) -> tuple[Any, Inputs, dict[str, Any]]:
        images = rng.standard_normal((3, *config.input_shape))
        options = {"times": rng.uniform(0.1, 0.9, 3), "labels": np.array([1, config.num_classes, 1])}
        return shaken(DiT(config, rng=rng), rng), {"x": images}, options

    return build


def _mae_decoder(rng: np.random.Generator) -> tuple[Any, Inputs, dict[str, Any]]:
    config = ViTConfig(img_size=(4, 6), patch_size=2, in_chans=2, embed_dim=5, num_heads=1, depth=1, num_registers=1)
    layer = shaken(MAEDecoder(config, embed_dim=8, depth=2, num_heads=2, rng=rng), rng)
    return layer, {"x": rng.standard_normal((2, 4, 5))}, {"ids": np.array([[0, 1, 3, 7], [0, 1, 2, 5]])}


def _mae(rng: np.random.Generator) -> tuple[Any, Inputs, dict[str, Any]]:
    config = ViTConfig(**SMALL | {"num_classes": 0})
    decoder = MAEDecoder(config, embed_dim=4, depth=1, num_heads=2, rng=rng)
    model = shaken(MaskedAutoencoder(VisionTransformer(config, rng=rng), decoder), rng)
    ids = np.array([[0, 2, 5], [0, 1, 3], [0, 4, 6]])
    return model, {"x": rng.standard_normal((3, 2, 4, 6))}, {"ids": ids}


def _with_head(head: Layer, rng: np.random.Generator, **changes: Any) -> EncoderWithHead:
    config = ViTConfig(**SMALL | {"num_classes": 0} | changes)
    return EncoderWithHead(VisionTransformer(config, rng=rng), head)


def _words(make: Callable[[np.random.Generator], Layer], *shape: int) -> Callable[..., Any]:
    """Codes of words are names, not numbers that could be nudged: parameters alone are checked."""

    def build(rng: np.random.Generator) -> tuple[Any, Inputs, dict[str, Any]]:
        options = {"x": rng.choice([0, 7, 65, 90, 127], (3, *shape)), "rng": lambda: np.random.default_rng(5)}
        return shaken(make(rng), rng), {}, options

    return build


LAYERS: dict[str, Callable[..., Any]] = {
    "Linear": _layer(lambda rng: Linear(4, 3, rng=rng), 2, 3, 4),
    "Linear, no bias": _layer(lambda rng: Linear(4, 3, bias=False, rng=rng), 5, 4),
    "LayerNorm": _layer(lambda rng: LayerNorm(5), 2, 3, 5),
    "LayerScale": _layer(lambda rng: LayerScale(5, init_value=0.1), 2, 3, 5),
    "Dropout": _layer(lambda rng: Dropout(0.4), 3, 4, 5, random=True),
    "DropPath": _layer(lambda rng: DropPath(0.4), 6, 2, 3, random=True),
    "Identity": _layer(lambda rng: Identity(), 2, 3),
    "Conv2d": _layer(lambda rng: Conv2d(2, 5, 3, stride=2, padding=1, rng=rng), 3, 2, 4, 7),
    "ConvStem": _layer(lambda rng: ConvStem(2, rng=rng), 2, 2, 3, 4),
    "PatchEmbed": _layer(lambda rng: PatchEmbed(2, 5, 3, rng=rng), 2, 5, 4, 6),
    "PatchEmbed, conv, tanh": _layer(lambda rng: PatchEmbed(2, 3, 5, stem="conv", gelu="tanh", rng=rng), 2, 3, 4, 6),
    "Attention": _layer(lambda rng: Attention(6, 3, rng=rng), 2, 5, 6),
    "Attention, no qkv bias": _layer(lambda rng: Attention(6, 2, qkv_bias=False, rng=rng), 2, 4, 6),
    "AttentionPool": _layer(lambda rng: AttentionPool(6, 2, 5, rng=rng), 3, 4, 6),
    "AttentionPool, prefix, tanh": _layer(
        lambda rng: AttentionPool(6, 3, 8, num_prefix=2, gelu="tanh", layer_norm_eps=0.1, rng=rng), 2, 5, 6
    ),
    "Pool": _layer(lambda rng: Pool("cls+mean", num_prefix=2), 2, 5, 3),
    "DistilledHead": _layer(lambda rng: DistilledHead(8, 3, rng=rng), 5, 8),
    "DenseHead": _layer(lambda rng: DenseHead(5, 3, num_prefix=2, rng=rng), 2, 6, 5),
    "BoxHead": _layer(lambda rng: BoxHead(4, 3, grid=(2, 3), patch_size=2, num_prefix=1, rng=rng), 2, 7, 4),
    "EncoderWithHead, segmentation": _layer(
        lambda rng: _with_head(DenseHead(8, 12, num_prefix=1, rng=rng), rng), 2, 2, 4, 6
    ),
    "EncoderWithHead, tags of words": _words(
        lambda rng: _with_head(DenseHead(8, 5, num_prefix=0, rng=rng), rng, **WORDS, class_token=False, pool="mean"),
        2, 1, 7,
    ),
    "EncoderWithHead, sequence": _layer(
        lambda rng: _with_head(SequenceHead(8, 5, length=2, rng=rng), rng, num_registers=2), 3, 2, 4, 6
    ),
    "EncoderWithHead, detection": _layer(
        lambda rng: _with_head(BoxHead(8, 3, grid=(2, 3), patch_size=2, num_prefix=1, rng=rng), rng), 2, 2, 4, 6
    ),
    "MAEDecoder": _mae_decoder,
    "MaskedAutoencoder": _mae,
    "Mlp": _layer(lambda rng: Mlp(4, 6, rng=rng), 2, 3, 4),
    "Mlp, tanh": _layer(lambda rng: Mlp(4, 6, gelu="tanh", rng=rng), 2, 3, 4),
    "Mlp, quick": _layer(lambda rng: Mlp(4, 6, gelu="quick", rng=rng), 2, 3, 4),
    "Block": _layer(lambda rng: Block(6, 2, 8, rng=rng), 2, 5, 6),
    "Block, everything": _layer(
        lambda rng: Block(6, 3, 5, layer_scale=0.1, drop_rate=0.2, drop_path_rate=0.3, gelu="tanh", rng=rng),
        4, 3, 6, random=True,
    ),
    "Mlp, silu": _layer(lambda rng: Mlp(4, 6, gelu="silu", rng=rng), 2, 3, 4),
    "DiTBlock": _dit_block,
    "DiT": _dit(ViTConfig(**SMALL | {"embed_dim": 4})),
    "DiT, tanh, no qkv bias": _dit(
        ViTConfig(**SMALL | {"embed_dim": 4, "depth": 1, "in_chans": 1}, gelu="tanh", qkv_bias=False)
    ),
    "WordEmbed": _words(lambda rng: WordEmbed(3, 4, rng=rng), 3, 1, 60),  # of 128 codes, some more than once
    "WordEmbed, letters": _words(lambda rng: WordEmbed(1, 3, rng=rng), 1, 1, 50),
    "SequenceHead": _layer(lambda rng: SequenceHead(4, 3, length=2, rng=rng), 2, 5, 4),
    "Recompute": _layer(lambda rng: Recompute(Block(6, 2, 8, drop_rate=0.3, rng=rng)), 2, 5, 6, random=True),
}  # fmt: skip


def _model(config: ViTConfig) -> Callable[..., Any]:
    shape = (3, config.in_chans, *config.image_shape)
    return _layer(lambda rng: VisionTransformer(config, rng=rng), *shape, random=True)


def all_cases() -> Iterator[Case]:
    """Everything there is to check."""
    for name in OPS:
        yield from op_cases(name)
    for name, build in LAYERS.items():
        yield Case("layer", name, build)
    for name, config in MODELS.items():
        yield Case("model", name, _model(config))
    for name, config in WORD_MODELS.items():
        yield Case("model", name, _words(functools.partial(_vit, config), *config.input_shape))


def _vit(config: ViTConfig, rng: np.random.Generator) -> Layer:
    return VisionTransformer(config, rng=rng)
