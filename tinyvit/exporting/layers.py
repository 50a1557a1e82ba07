"""Layers as nodes of a graph, each forward beside its backward: they read as those of `tinyvit/layers` do.

`forward` and `backward` find a layer's pair by its type. What drops something in training is not there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import layers
from ..errors import UserError
from .activations import ACTIVATIONS
from .attention import AttentionSaved, attention_backward, attention_forward
from .graph import Graph, Value
from .images import conv2d_backward, conv2d_forward
from .ops import (
    LayerNormSaved,
    layer_norm_backward,
    layer_norm_forward,
    layer_scale_backward,
    layer_scale_forward,
    linear_backward,
    linear_forward,
)

WINDOW: dict[str, int] = {"kernel_size": 3, "padding": 1}  # of the stem's convolutions


def forward(g: Graph, layer: Any, x: Value) -> tuple[Value, Any]:
    """The layer's output, and what its backward needs.

    Raises:
        UserError: layers of its type cannot be exported.
    """
    return _pair(layer).forward(g, layer, x)


def backward(g: Graph, layer: Any, dy: Value, saved: Any) -> Value:
    """dx of the layer; errors as for `forward`."""
    return _pair(layer).backward(g, layer, dy, saved)


class ConvStemSaved(NamedTuple):
    gelu1: Any
    gelu2: Any


def conv_stem_forward(g: Graph, layer: Any, x: Value) -> tuple[Value, ConvStemSaved]:
    """(B, C, H, W) -> (B, S, H, W)."""
    x = conv2d_forward(g, x, layer.conv1.weight, layer.conv1.bias, **WINDOW)
    x, gelu1 = ACTIVATIONS[layer.gelu].forward(g, x)
    x = conv2d_forward(g, x, layer.conv2.weight, layer.conv2.bias, **WINDOW)
    x, gelu2 = ACTIVATIONS[layer.gelu].forward(g, x)
    return x, ConvStemSaved(gelu1, gelu2)


def conv_stem_backward(g: Graph, layer: Any, dy: Value, saved: ConvStemSaved) -> Value:
    dx = ACTIVATIONS[layer.gelu].backward(g, dy, saved.gelu2)
    dx = conv2d_backward(g, dx, layer.conv2.weight, **WINDOW)
    dx = ACTIVATIONS[layer.gelu].backward(g, dx, saved.gelu1)
    return conv2d_backward(g, dx, layer.conv1.weight, **WINDOW)


def mlp_forward(g: Graph, layer: Any, x: Value) -> tuple[Value, Any]:
    """(B, N, D) -> (B, N, D)."""
    x = linear_forward(g, x, layer.fc1.weight, layer.fc1.bias)
    x, gelu = ACTIVATIONS[layer.gelu].forward(g, x)
    return linear_forward(g, x, layer.fc2.weight, layer.fc2.bias), gelu


def mlp_backward(g: Graph, layer: Any, dy: Value, saved: Any) -> Value:
    dx = linear_backward(g, dy, layer.fc2.weight)
    dx = ACTIVATIONS[layer.gelu].backward(g, dx, saved)
    return linear_backward(g, dx, layer.fc1.weight)


class BlockSaved(NamedTuple):
    norm1: LayerNormSaved
    attention: AttentionSaved  # its `weights` are the attention maps (B, h, Q, N)
    norm2: LayerNormSaved
    mlp: Any


def block_forward(g: Graph, block: Any, x: Value, *, num_queries: int | None = None) -> tuple[Value, BlockSaved]:
    """(B, N, D) -> (B, N, D), or (B, Q, D) where only the first Q tokens are wanted."""
    attn, (D, _) = block.attn, block.attn.qkv.weight.shape
    heads = attn.num_heads, D // attn.num_heads
    branch, norm1 = forward(g, block.norm1, x)
    branch = linear_forward(g, branch, attn.qkv.weight, attn.qkv.bias)
    branch, attention = attention_forward(g, branch, heads=heads, num_queries=num_queries)
    branch = linear_forward(g, branch, attn.proj.weight, attn.proj.bias)
    branch, _ = forward(g, block.ls1, branch)
    x = g("Add", x if num_queries is None else g.slice(x, 0, num_queries, 1), branch)
    branch, norm2 = forward(g, block.norm2, x)
    branch, mlp = forward(g, block.mlp, branch)
    branch, _ = forward(g, block.ls2, branch)
    return g("Add", x, branch), BlockSaved(norm1, attention, norm2, mlp)


def block_backward(g: Graph, block: Any, dy: Value, saved: BlockSaved) -> tuple[Value, Value]:
    """(B, N, D) -> dx (B, N, D), and the gradient of the attention weights (B, h, N, N) besides."""
    dbranch = backward(g, block.ls2, dy, None)
    dbranch = backward(g, block.mlp, dbranch, saved.mlp)
    dx = g("Add", dy, backward(g, block.norm2, dbranch, saved.norm2))  # the gradient takes both paths
    dbranch = backward(g, block.ls1, dx, None)
    dbranch = linear_backward(g, dbranch, block.attn.proj.weight)
    dbranch, dweights = attention_backward(g, dbranch, saved.attention)
    dbranch = linear_backward(g, dbranch, block.attn.qkv.weight)
    return g("Add", dx, backward(g, block.norm1, dbranch, saved.norm1)), dweights


class Pair(NamedTuple):
    forward: Callable[[Graph, Any, Value], tuple[Value, Any]]
    backward: Callable[[Graph, Any, Value, Any], Value]


NOTHING = Pair(lambda g, layer, x: (x, None), lambda g, layer, dy, saved: dy)
PAIRS = {
    layers.Identity: NOTHING,
    layers.Dropout: NOTHING,
    layers.Linear: Pair(
        lambda g, layer, x: (linear_forward(g, x, layer.weight, layer.bias), None),
        lambda g, layer, dy, saved: linear_backward(g, dy, layer.weight),
    ),
    layers.LayerNorm: Pair(
        lambda g, layer, x: layer_norm_forward(g, x, layer.weight, layer.bias, eps=layer.eps),
        lambda g, layer, dy, saved: layer_norm_backward(g, dy, saved),
    ),
    layers.LayerScale: Pair(
        lambda g, layer, x: (layer_scale_forward(g, x, layer.gamma), None),
        lambda g, layer, dy, saved: layer_scale_backward(g, dy, layer.gamma),
    ),
    layers.Mlp: Pair(mlp_forward, mlp_backward),
    layers.ConvStem: Pair(conv_stem_forward, conv_stem_backward),
}


def _pair(layer: Any) -> Pair:
    if type(layer) not in PAIRS:
        raise UserError(f"a layer of the type {type(layer).__name__} cannot be exported: give another model")
    return PAIRS[type(layer)]
