"""Mathematics without parameters: one subject a file, each forward beside its backward, with its derivation.

The contract of every pair:
    op_forward(x, weight, ..., *, option=...) -> (y, saved)      positional arguments are arrays with a gradient
    op_backward(dy, saved) -> gradients                          one input: a bare dx; several: a tuple in their order
`saved` is what the backward must remember; `d` + name is the gradient of the loss with respect to name, in its shape.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from . import (
    attention,
    binary_cross_entropy,
    conv2d,
    cross_entropy,
    distillation,
    dropout,
    embedding,
    focal,
    gelu,
    giou,
    layer_norm,
    layer_scale,
    linear,
    masking,
    modulate,
    mse,
    patchify,
    pool,
    resample,
    sigmoid,
    silu,
    softmax,
    tokens,
)
from .attention import AttentionSaved, attention_backward, attention_forward
from .binary_cross_entropy import (
    BinaryCrossEntropySaved,
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
)
from .conv2d import Conv2dSaved, conv2d_backward, conv2d_forward
from .cross_entropy import CrossEntropySaved, cross_entropy_backward, cross_entropy_forward
from .distillation import DistillationSaved, distillation_backward, distillation_forward
from .dropout import DropoutSaved, drop_path_backward, drop_path_forward, dropout_backward, dropout_forward
from .embedding import EmbeddingSaved, embedding_backward, embedding_forward
from .erf import erf
from .focal import FocalSaved, focal_backward, focal_forward
from .gelu import (
    GeluSaved,
    gelu_backward,
    gelu_forward,
    gelu_quick_backward,
    gelu_quick_forward,
    gelu_tanh_backward,
    gelu_tanh_forward,
)
from .giou import GIoUSaved, giou_backward, giou_forward
from .layer_norm import LayerNormSaved, layer_norm_backward, layer_norm_forward
from .layer_scale import LayerScaleSaved, layer_scale_backward, layer_scale_forward
from .linear import LinearSaved, linear_backward, linear_forward
from .masking import (
    GatherTokensSaved,
    ScatterTokensSaved,
    gather_tokens_backward,
    gather_tokens_forward,
    scatter_tokens_backward,
    scatter_tokens_forward,
)
from .modulate import (
    GateSaved,
    ModulateSaved,
    gate_backward,
    gate_forward,
    modulate_backward,
    modulate_forward,
)
from .mse import MseSaved, mse_backward, mse_forward
from .patchify import (
    PatchifySaved,
    UnpatchifySaved,
    patchify_backward,
    patchify_forward,
    unpatchify_backward,
    unpatchify_forward,
)
from .pool import (
    PoolSaved,
    cls_mean_pool_backward,
    cls_mean_pool_forward,
    cls_pool_backward,
    cls_pool_forward,
    mean_pool_backward,
    mean_pool_forward,
)
from .positions import ResampleMethod, ResampleOptions, resample_matrix, sincos2d
from .resample import ResamplePositionsSaved, resample_positions_backward, resample_positions_forward
from .sigmoid import SigmoidSaved, sigmoid_backward, sigmoid_forward
from .silu import SiluSaved, silu_backward, silu_forward
from .softmax import SoftmaxSaved, softmax_backward, softmax_forward
from .tokens import (
    AddPositionSaved,
    PrependTokensSaved,
    add_position_backward,
    add_position_forward,
    prepend_tokens_backward,
    prepend_tokens_forward,
)


class Op(NamedTuple):
    """One op: its two halves under one name."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]


def _discover(*files: Any) -> dict[str, Op]:
    """Every pair `<name>_forward`, `<name>_backward`: an op is on the list, and is checked, because it exists."""
    halves = {name: value for file in files for name, value in vars(file).items()}
    names = [name.removesuffix("_forward") for name in halves if name.endswith("_forward")]
    return {name: Op(halves[f"{name}_forward"], halves[f"{name}_backward"]) for name in names}


OPS: dict[str, Op] = _discover(
    patchify,
    linear,
    conv2d,
    tokens,
    masking,
    embedding,
    resample,
    layer_norm,
    softmax,
    attention,
    layer_scale,
    dropout,
    modulate,
    gelu,
    silu,
    pool,
    cross_entropy,
    distillation,
    sigmoid,
    binary_cross_entropy,
    mse,
    focal,
    giou,
)

__all__ = [
    "OPS", "AddPositionSaved", "AttentionSaved", "BinaryCrossEntropySaved", "Conv2dSaved", "CrossEntropySaved",
    "DistillationSaved", "DropoutSaved", "EmbeddingSaved", "FocalSaved", "GIoUSaved", "GateSaved",
    "GatherTokensSaved", "GeluSaved", "LayerNormSaved", "LayerScaleSaved", "LinearSaved", "ModulateSaved",
    "MseSaved", "Op", "PatchifySaved", "PoolSaved", "PrependTokensSaved", "ResampleMethod", "ResampleOptions",
    "ResamplePositionsSaved", "ScatterTokensSaved", "SigmoidSaved", "SiluSaved", "SoftmaxSaved", "UnpatchifySaved",
    "add_position_backward", "add_position_forward", "attention_backward", "attention_forward",
    "binary_cross_entropy_backward", "binary_cross_entropy_forward", "cls_mean_pool_backward",
    "cls_mean_pool_forward", "cls_pool_backward", "cls_pool_forward", "conv2d_backward", "conv2d_forward",
    "cross_entropy_backward", "cross_entropy_forward", "distillation_backward", "distillation_forward",
    "drop_path_backward", "drop_path_forward", "dropout_backward", "dropout_forward", "embedding_backward",
    "embedding_forward", "erf", "focal_backward", "focal_forward", "gate_backward", "gate_forward",
    "gather_tokens_backward", "gather_tokens_forward", "gelu_backward", "gelu_forward", "gelu_quick_backward",
    "gelu_quick_forward", "gelu_tanh_backward", "gelu_tanh_forward", "giou_backward", "giou_forward",
    "layer_norm_backward", "layer_norm_forward", "layer_scale_backward", "layer_scale_forward", "linear_backward",
    "linear_forward", "mean_pool_backward", "mean_pool_forward", "modulate_backward", "modulate_forward",
    "mse_backward", "mse_forward", "patchify_backward", "patchify_forward", "prepend_tokens_backward",
    "prepend_tokens_forward", "resample_matrix", "resample_positions_backward", "resample_positions_forward",
    "scatter_tokens_backward", "scatter_tokens_forward", "sigmoid_backward", "sigmoid_forward", "silu_backward",
    "silu_forward", "sincos2d", "softmax_backward", "softmax_forward", "unpatchify_backward", "unpatchify_forward",
]  # fmt: skip
