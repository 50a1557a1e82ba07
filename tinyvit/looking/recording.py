"""A twin of a model that keeps what its parts wrote, and whose backward answers for attention instead of weights.

The arrays are the model's own; only the layers around them are others. Nothing of the maths is written again: the twin
runs the forward and the backward of `vit.py`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..backend import Array
from ..layers import Attention, AttentionLayerSaved, Grads, Layer, Linear
from ..ops import LinearSaved, attention_backward, linear_forward
from ..ops.attention import by_head, split_heads
from ..vit import VisionTransformer

ATTENTION = "attention_weights"  # names of gradients, where those of parameters would stand
HEADS, NORMED = "heads", "normed"


def recording(model: VisionTransformer) -> VisionTransformer:
    """A twin of `model` for looking into it; the forward is the same, bit for bit.

    In its `saved`, `embed.norm_pre.y` is the residual stream before the first block, and `blocks[b].attn.drop.y` and
    `blocks[b].mlp.drop.y` are what each branch added to it. Its backward makes no gradient of any linear weight, which
    is half of the work, and names three others: of the attention weights (B, h, N, N), of what the heads wrote side by
    side, before proj (B, N, D), and of what attention was given, norm1's output (B, N, D): "blocks.0.attn." and
    "attention_weights", "heads", "normed".
    """
    twin: Any = shared(model, TWINS)
    twin.norm_pre = Keep(twin.norm_pre)
    for block in twin.blocks:
        block.drop = Keep(block.drop)
    return twin


def shared(part: Any, twins: Mapping[Any, Any] | None = None) -> Any:
    """A copy of a layer, all the way down, around the same arrays; layers of a type in `twins` become its twin."""
    if isinstance(part, list):
        return [shared(each, twins) for each in part]
    if not isinstance(part, Layer):
        return part
    kind = type(part)
    twin = object.__new__((twins or {}).get(kind, kind))
    for name, value in vars(part).items():
        setattr(twin, name, shared(value, twins))
    return twin


class KeepSaved(NamedTuple):
    y: Array  # what the layer returned
    saved: Any


class Keep(Layer):
    """Does what `layer` does; what it returned is in `saved`."""

    def __init__(self, layer: Layer):
        self.layer = layer

    def forward(self, x: Array, *, rng: Any = None) -> tuple[Array, KeepSaved]:
        y, saved = self.layer.forward(x, rng=rng)
        return y, KeepSaved(y, saved)

    def backward(self, dy: Array, saved: KeepSaved) -> tuple[Array, Grads]:
        return self.layer.backward(dy, saved.saved)


class FixedLinear(Linear):
    """A linear layer whose weight is no variable: its backward is one product, dx = dy @ weightᵀ."""

    def backward(self, dy: Array, saved: LinearSaved) -> tuple[Array, Grads]:
        return linear_forward(dy, saved.weight.T)[0], {}


class WeighedAttention(Attention):
    """Attention whose backward tells what passes through it, and by how much each attention weight matters:
    dweights = dy @ vᵀ (B, h, N, N).
    """

    def backward(self, dy: Array, saved: AttentionLayerSaved) -> tuple[Array, Grads]:
        dy, _ = self.proj.backward(dy, saved.proj)
        v = split_heads(saved.attention.qkv, self.num_heads)[2]
        dweights = by_head(dy, self.num_heads) @ v.swapaxes(-1, -2)
        dx, _ = self.qkv.backward(attention_backward(dy, saved.attention), saved.qkv)
        return dx, {ATTENTION: dweights, HEADS: dy, NORMED: dx}


TWINS: dict[type[Layer], type[Layer]] = {Linear: FixedLinear, Attention: WeighedAttention}
