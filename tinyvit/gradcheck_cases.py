"""What `tinyvit gradcheck` and the tests check: every op, every layer, and whole models of every kind.

Sizes are small, odd and all different, so that a swapped axis cannot hide; values are away from 0 and 1.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .backend import to_device
from .config import ViTConfig
from .errors import UserError
from .gradcheck import THRESHOLD, GradientReport, check_gradients
from .layers import (
    Attention,
    Block,
    Conv2d,
    ConvStem,
    Dropout,
    DropPath,
    Identity,
    Layer,
    LayerNorm,
    LayerScale,
    Linear,
    Mlp,
    PatchEmbed,
    Recompute,
)
from .ops import OPS
from .vit import VisionTransformer

Inputs = dict[str, np.ndarray | None]


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


def _moved(arguments: dict[str, Any], device: str) -> dict[str, Any]:
    return {name: to_device(x, device) if isinstance(x, np.ndarray) else x for name, x in arguments.items()}


def op_samples(name: str, rng: np.random.Generator) -> list[tuple[Inputs, dict[str, Any]]]:
    """Inputs and options of several shapes for the op called `name`.

    Raises:
        UserError: there are none: an op without samples is an op nobody checks.
    """
    x = rng.standard_normal
    mask = rng.random
    rows = [(3, 5), (2, 3, 7)]
    samples: dict[str, Any] = {
        "patchify": [
            ({"images": x((2, 3, 4, 6))}, {"patch_size": 2}),
            ({"images": x((3, 1, 3, 3))}, {"patch_size": 3}),
        ],
        "unpatchify": [
            ({"patches": x((2, 6, 12))}, {"image_shape": (4, 6), "patch_size": 2}),
            ({"patches": x((3, 5, 9))}, {"image_shape": (15, 3), "patch_size": 3}),
        ],
        "linear": [({"x": x((*s, 4)), "weight": x((4, 3)), "bias": x(3)}, {}) for s in ((5,), (2, 3))]
        + [({"x": x((3, 2, 4)), "weight": x((4, 5)), "bias": None}, {})],
        "conv2d": [
            ({"x": x((B, C, H, W)), "weight": x((C * k * k, O)), "bias": x(O)}, {"stride": s, "padding": p})
            for B, C, H, W, k, O, s, p in (
                (2, 1, 4, 5, 3, 2, 1, 1), (3, 3, 5, 4, 3, 2, 1, 0), (2, 2, 3, 4, 1, 5, 1, 0), (2, 1, 3, 2, 1, 3, 2, 1),
                (2, 3, 6, 5, 3, 4, 2, 1), (2, 2, 6, 7, 3, 1, 2, 0), (1, 2, 5, 7, 2, 3, 3, 2),
            )
        ],
        "prepend_tokens": [({"x": x((3, 4, 5)), "tokens": x((1, t, 5))}, {}) for t in (1, 3)],
        "add_position": [({"x": x((B, 4, 5)), "pos_embed": x((1, 4, 5))}, {}) for B in (3, 1)],
        "resample_positions": [
            ({"x": x((B, prefix + h * w, D))}, {"grid": (h, w), "new_grid": new_grid, "num_prefix": prefix} | how)
            for B, prefix, (h, w), new_grid, D, how in (
                (1, 1, (2, 3), (4, 5), 3, {}),  # grown
                (2, 3, (5, 4), (2, 3), 2, {}),  # shrunk
                (1, 0, (3, 5), (4, 2), 3, {"method": "bilinear"}),
                (3, 1, (4, 3), (3, 7), 2, {"method": "bilinear", "align_corners": True}),
                (1, 3, (3, 4), (5, 2), 4, {"align_corners": True}),
                (1, 0, (6, 5), (2, 4), 3, {"antialias": True}),
                (2, 1, (5, 6), (3, 2), 2, {"method": "bilinear", "antialias": True}),
                (1, 1, (4, 5), (6, 3), 3, {"antialias": True, "align_corners": True}),
                (1, 3, (1, 4), (3, 1), 2, {}),
            )
        ],
        "layer_norm": [({"x": 2 * x(s) + 1, "weight": x(s[-1]), "bias": x(s[-1])}, {"eps": 1e-6}) for s in rows]
        + [({"x": x((2, 3, 5)), "weight": x(5), "bias": x(5)}, {"eps": 0.1})],
        "softmax": [({"x": x(s)}, {}) for s in rows] + [({"x": 3 * x((2, 2, 3, 4)) + 800}, {})],
        "attention": [
            ({"qkv": x((2, 5, 18))}, {"num_heads": 2}),
            ({"qkv": x((3, 4, 15))}, {"num_heads": 1}),
            ({"qkv": 4 * x((1, 3, 24))}, {"num_heads": 4}),
            ({"qkv": x((2, 4, 18))}, {"num_heads": 2, "num_queries": 1}),
            ({"qkv": 3 * x((3, 5, 12))}, {"num_heads": 1, "num_queries": 3}),
        ],
        "layer_scale": [({"x": x(s), "gamma": x(s[-1])}, {}) for s in rows],
        "dropout": [({"x": x(s)}, {"keep_mask": mask(s) > 0.3, "drop_prob": 0.3}) for s in rows],
        "drop_path": [
            ({"x": x((5, 3, 2))}, {"keep_mask": mask((5, 1, 1)) > 0.4, "drop_prob": 0.4}),
            ({"x": x((4, 3))}, {"keep_mask": mask((4, 1)) > 0.4, "drop_prob": 0.4}),
        ],
        "gelu": [({"x": 2 * x(s)}, {}) for s in rows],
        "gelu_tanh": [({"x": 2 * x(s)}, {}) for s in rows],
        "cls_pool": [({"x": x((3, 4, 5))}, {}), ({"x": x((2, 1, 3))}, {})],
        "mean_pool": [({"x": x((3, 4 + p, 4))}, {"num_prefix": p}) for p in (1, 3)],
        "cross_entropy": [
            ({"logits": 2 * x((5, 4))}, {"labels": rng.integers(0, 4, 5)}),
            ({"logits": x((3, 7)) + 800}, {"labels": rng.integers(0, 7, 3), "label_smoothing": 0.1}),
            ({"logits": x((4, 3))}, {"labels": rng.dirichlet(np.ones(3), 4), "label_smoothing": 0.2}),
        ],
    }  # fmt: skip
    if name not in samples:
        known = "add some to gradcheck_cases.op_samples" if name in OPS else f"choose from {', '.join(OPS)}"
        raise UserError(f"there are no sample inputs for an op called {name!r}: {known}")
    return samples[name]


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
    "Mlp": _layer(lambda rng: Mlp(4, 6, rng=rng), 2, 3, 4),
    "Mlp, tanh": _layer(lambda rng: Mlp(4, 6, gelu="tanh", rng=rng), 2, 3, 4),
    "Block": _layer(lambda rng: Block(6, 2, 8, rng=rng), 2, 5, 6),
    "Block, everything": _layer(
        lambda rng: Block(6, 3, 5, layer_scale=0.1, drop_rate=0.2, drop_path_rate=0.3, gelu="tanh", rng=rng),
        4, 3, 6, random=True,
    ),
    "Recompute": _layer(lambda rng: Recompute(Block(6, 2, 8, drop_rate=0.3, rng=rng)), 2, 5, 6, random=True),
}  # fmt: skip

_SMALL: dict[str, Any] = {
    "img_size": (4, 6),
    "patch_size": 2,
    "in_chans": 2,
    "num_classes": 3,
    "embed_dim": 8,
    "depth": 2,
    "num_heads": 2,
    "mlp_ratio": 1.5,
}
MODELS: dict[str, ViTConfig] = {
    "cls token, erf": ViTConfig(**_SMALL),
    "mean pooling": ViTConfig(**_SMALL, pool="mean"),
    "tanh": ViTConfig(**_SMALL, gelu="tanh"),
    "registers": ViTConfig(**_SMALL, num_registers=2),
    "sincos2d": ViTConfig(**_SMALL, pos_embed="sincos2d"),
    "drop path, dropout": ViTConfig(**_SMALL, drop_path_rate=0.3, drop_rate=0.2),
    "layer scale": ViTConfig(**_SMALL, layer_scale=0.1),
    "no qkv bias": ViTConfig(**_SMALL, qkv_bias=False),
    "conv stem": ViTConfig(**_SMALL, stem="conv"),
    "features": ViTConfig(**_SMALL | {"num_classes": 0}),
    "square, one channel": ViTConfig(**_SMALL | {"img_size": 6, "patch_size": 3, "in_chans": 1}),
    "everything": ViTConfig(
        **_SMALL,
        pool="mean",
        gelu="tanh",
        num_registers=3,
        drop_path_rate=0.4,
        layer_scale=0.2,
        layer_norm_eps=1e-4,
    ),
}


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
