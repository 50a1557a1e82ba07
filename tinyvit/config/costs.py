"""Costs of a Vision Transformer before it is built: parameters, floating-point operations, memory; part by part."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import UserError
from .vit import CODES, STEM_CHANS, ViTConfig


class Cost(NamedTuple):
    """Of one part. FLOPs count a multiplication and an addition as two, and matrix products only."""

    parameters: int
    flops: int  # of one image's forward; the backward takes about twice as many
    saved: int  # numbers kept for the backward, per image

    def __add__(self, other: "Cost") -> "Cost":  # type: ignore[override]
        return Cost(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def times(self, number: int) -> "Cost":
        """Of so many parts."""
        return Cost(*(number * mine for mine in self))


NOTHING = Cost(0, 0, 0)


def numbers_held(config: ViTConfig) -> int:
    """Number of values a model keeps in memory before it sees an image: its parameters and fixed positions."""
    positions = config.num_tokens * config.embed_dim if config.pos_embed == "sincos2d" else 0
    return sum(cost.parameters for cost in model_costs(config).values()) + positions


def check_numbers(config: ViTConfig, found: int, where: Any) -> None:
    """Check that a model of `config` may come from `found` values, before it is built: it could fill the memory.

    Raises:
        UserError: it would hold far more, so that it cannot be meant.
    """
    described = numbers_held(config)
    if described > 2 * found + 10_000_000:
        raise UserError(
            f"{where} does not fit together: its config describes {described:,} values, its weights are "
            f"{found:,}; use another copy"
        )


def model_costs(config: ViTConfig) -> dict[str, Cost]:
    """Costs by part, in the order data flows; the blocks are summed up."""
    L, N, D, M = config.num_patches, config.num_tokens, config.embed_dim, config.hidden_dim
    C, S, K, h = config.in_chans, STEM_CHANS, config.num_classes, config.num_heads
    stem, pixels = config.stem == "conv", config.image_shape[0] * config.image_shape[1]
    patch = (S if stem else C) * config.patch_size**2
    words = config.stem == "words"  # a row of the weight for each code, and no product
    proj = Cost(patch * D + (0 if config.pre_norm else D), 2 * L * patch * D, L * patch)
    position = N * D if config.pos_embed == "learned" else 0
    qkv_bias = 3 * D if config.qkv_bias else 0
    scale = D if config.layer_scale is not None else 0  # parameters of each branch, and what it saves of each token
    last = config.num_queries or N  # tokens out of the last block: the class token is all that it has to bring
    width, heads = config.num_pooled, 2 if config.pool == "cls+dist" else 1  # DeiT has a head for each of two tokens

    def norm(tokens: int) -> Cost:
        return Cost(2 * D, 0, tokens * D + tokens)  # x_hat and rstd

    def all_blocks(cost: Callable[[int], Cost]) -> Cost:
        """Cost of all blocks, from that of a block with so many tokens: the last one may differ."""
        return cost(N).times(config.depth - 1) + cost(last) if config.depth else NOTHING

    def attention(queries: int) -> Cost:
        return Cost(
            parameters=D * 3 * D + qkv_bias + D * D + D + scale,
            flops=2 * N * D * 3 * D + 2 * (2 * queries * N * D) + 2 * queries * D * D,
            saved=N * D + 3 * N * D + h * queries * N + queries * D + queries * scale,  # x, qkv, weights, heads' output
        )

    def mlp(tokens: int) -> Cost:
        return Cost(
            parameters=D * M + M + M * D + D + scale,
            flops=2 * (2 * tokens * D * M),
            saved=tokens * D + 2 * tokens * M + tokens * M + tokens * scale,  # x, GELU's input and gate, its output
        )

    def attention_pool() -> Cost:
        """One query, the keys and values of the patches, then an MLP on the one answer."""
        attention = Cost(
            parameters=D + D * 3 * D + 3 * D + D * D + D,
            flops=2 * D * D + 2 * L * D * 2 * D + 2 * (2 * L * D) + 2 * D * D,
            saved=L * D + 3 * L * D + h * L + D,
        )
        return attention + norm(1) + mlp(1)

    def conv(chans: int) -> Cost:
        return Cost(
            parameters=9 * chans * S + S,
            flops=2 * pixels * 9 * chans * S,
            saved=pixels * chans + 2 * pixels * S,  # x, GELU's input and gate
        )

    parts = {
        "patch_embed.stem": conv(C) + conv(S) if stem else NOTHING,
        "patch_embed.proj": Cost(C * CODES * D, 0, L * C) if words else proj,
        "cls_token, reg_token": Cost(config.num_prefix_tokens * D, 0, 0),
        "pos_embed": Cost(position, 0, 0),
        "norm_pre": norm(N) if config.pre_norm else NOTHING,
        "blocks: norm1, norm2": all_blocks(lambda tokens: norm(N) + norm(tokens)),
        "blocks: attn": all_blocks(attention),
        "blocks: mlp": all_blocks(mlp),
        "norm": norm(1 if config.fc_norm else last if config.depth else N) if config.final_norm else NOTHING,
        "pool": attention_pool() if config.pool == "map" else NOTHING,
        "head": Cost(width * K + heads * K, 2 * width * K, width) if K else NOTHING,
    }
    rare = ("norm_pre", "pool")  # named where they are
    return {name: cost for name, cost in parts.items() if cost != NOTHING or name not in rare}
