"""Graph of a Diffusion Transformer: a noisy image, its time and class -> the image, as in `tinyvit/layers/dit.py`."""

import math
from typing import Any

import numpy as np

from ..layers import DiT, DiTBlock
from ..layers.dit import MAX_PERIOD, TIME_SCALE
from .attention import attention_forward
from .graph import BATCH, Graph, Value
from .images import patchify_backward, patchify_forward
from .layers import forward
from .ops import layer_norm_forward, linear_forward
from .subject import Arrays, Wanted

IMAGES, TIMES, LABELS = "images", "times", "labels"


class Denoiser:
    """images (B, C, H, W), "times" (B,) from 1, all noise, to 0, and "labels" int64 (B,), K for an unknown class, ->
    "denoised" (B, C, H, W), one look of the sampler; the steps from noise to an image are the user's loop.
    """

    def __init__(self, model: DiT, wanted: Wanted):
        self.model, self.wanted = model, wanted

    def build(self, g: Graph) -> None:
        model, config = self.model, self.model.config
        x = g.input(IMAGES, (BATCH, *config.input_shape))
        condition = condition_forward(g, model, g.input(TIMES, (BATCH,)), g.input(LABELS, (BATCH,), np.int64))
        sizes: dict[str, Any] = {"chans": config.in_chans, "grid": config.grid_size, "patch_size": config.patch_size}
        x = patchify_forward(g, x, **sizes)
        x = linear_forward(g, x, model.patch_embed.proj.weight, model.patch_embed.proj.bias)
        x = g("Add", x, g.weight(model.sincos, "sincos"))
        for block in model.blocks:
            x = dit_block_forward(g, block, x, condition)
        shift, scale = chunks(g, linear_forward(g, condition, model.ada.weight, model.ada.bias), 2, config.embed_dim)
        x = ada_norm_forward(g, x, shift, scale, embed_dim=config.embed_dim, eps=config.layer_norm_eps)
        x = linear_forward(g, x, model.head.weight, model.head.bias)
        g.output("denoised", patchify_backward(g, x, **sizes), (BATCH, *config.input_shape))  # back into an image

    def inputs(self, rng: np.random.Generator, count: int) -> Arrays:
        config, dtype = self.model.config, self.model.dtype
        images = rng.standard_normal((count, *config.input_shape)).astype(dtype)
        labels = rng.integers(0, config.num_classes + 1, count)
        return {IMAGES: images, TIMES: rng.random(count).astype(dtype), LABELS: labels}

    def answers(self, given: Arrays) -> Arrays:
        images, times = (given[name].astype(self.model.dtype) for name in (IMAGES, TIMES))
        return {"denoised": self.model.forward(images, times=times, labels=given[LABELS])[0]}


def condition_forward(g: Graph, model: DiT, times: Value, labels: Value) -> Value:
    """Times (B,) and labels (B,) -> one vector (B, D) for all blocks."""
    time, _ = forward(g, model.time_embed, time_features(g, times, model.config.embed_dim))
    label = g("Gather", g.weight(model.label_embed), labels, axis=0)
    total = g.widened(g("Add", time, label))
    return g.narrowed(g("Mul", total, g("Sigmoid", total)))  # SiLU


def time_features(g: Graph, times: Value, num_features: int) -> Value:
    """(B,) -> (B, F), cosines and sines; the angles in float64, as float32 rounds 1000 to the fourth decimal."""
    half, double = num_features // 2, np.dtype(np.float64)
    frequencies = np.exp(np.arange(half) * (-math.log(MAX_PERIOD) / half))
    column = g("Unsqueeze", g("Cast", times, to=double), g.ints(1))
    angles = g("Mul", column, g.constant(TIME_SCALE * frequencies, "time_frequencies", double))
    return g("Cast", g.concat(g("Cos", angles), g("Sin", angles), axis=1), to=g.dtype)


def dit_block_forward(g: Graph, block: DiTBlock, x: Value, condition: Value) -> Value:
    """(B, N, D), (B, D) -> (B, N, D)."""
    attn, D = block.attn, block.attn.proj.weight.shape[0]
    six = chunks(g, linear_forward(g, condition, block.ada.weight, block.ada.bias), 6, D)
    branch = ada_norm_forward(g, x, six[0], six[1], embed_dim=D, eps=block.eps)
    branch = linear_forward(g, branch, attn.qkv.weight, attn.qkv.bias)
    branch, _ = attention_forward(g, branch, heads=(attn.num_heads, D // attn.num_heads))
    branch = linear_forward(g, branch, attn.proj.weight, attn.proj.bias)
    x = g("Add", x, g("Mul", branch, six[2]))
    branch = ada_norm_forward(g, x, six[3], six[4], embed_dim=D, eps=block.eps)
    branch, _ = forward(g, block.mlp, branch)
    return g("Add", x, g("Mul", branch, six[5]))


def ada_norm_forward(g: Graph, x: Value, shift: Value, scale: Value, *, embed_dim: int, eps: float) -> Value:
    """(B, N, D), twice (B, 1, D) -> (B, N, D): a norm whose weight, 1 + scale, and bias are each image's own."""
    ones, zeros = g.named(np.ones(embed_dim), "ones"), g.named(np.zeros(embed_dim), "zeros")
    x, _ = layer_norm_forward(g, x, ones, zeros, eps=eps)
    return g("Add", g("Mul", x, g("Add", scale, g.weight(1.0, "one"))), shift)


def chunks(g: Graph, vectors: Value, count: int, embed_dim: int) -> list[Value]:
    """(B, count * D) -> `count` values (B, 1, D), one row for all tokens."""
    D = embed_dim
    return [g("Unsqueeze", g.slice(vectors, k * D, (k + 1) * D, 1), g.ints(1)) for k in range(count)]
