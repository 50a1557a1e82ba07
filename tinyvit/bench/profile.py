"""Profile of a training step: the time of each op at the model's sizes, beside this machine's peak.

The matrix library's best rate and the memory's best rate are measured first, on the cores that one process uses.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from ..backend import keep_freed_memory
from ..config import ViTConfig
from ..config.vit import STEM_CHANS
from ..layers.mlp import ACTIVATIONS
from ..ops import OPS, Op
from .timing import in_turn

FLOAT = 4  # bytes


class Row(NamedTuple):
    """One op of a step, all its calls together."""

    name: str
    calls: int
    seconds: float
    flops: float  # of matrix products only
    bytes: float  # the least that must be read and written: inputs and outputs once each


class Peaks(NamedTuple):
    """Peak performance of one thread of this machine."""

    flops: float  # a second, in a large matrix product
    bytes: float  # a second, read and written, in a large copy


def peaks(rounds: int = 10) -> Peaks:
    """Measure them, in float32."""
    a, b = np.ones((1024, 1024), np.float32), np.ones((1024, 1024), np.float32)
    out, large = np.empty_like(a), np.ones(2**24, np.float32)
    copy = np.empty_like(large)
    with threadpool_limits(1, user_api="blas"):
        times = in_turn({"product": lambda: np.matmul(a, b, out=out), "copy": lambda: np.copyto(copy, large)}, rounds)
    return Peaks(2 * 1024**3 / times["product"].p10, 2 * FLOAT * large.size / times["copy"].p10)


def profile(config: ViTConfig, *, batch_size: int, rounds: int) -> list[Row]:
    """One row per op and direction, the slowest first, for one process that does the whole batch at once."""
    keep_freed_memory()
    rng, rows = np.random.default_rng(0), []
    with threadpool_limits(1, user_api="blas"):
        for name, calls, op, inputs, options, flops in _ops(config, batch_size):
            y, saved = op.forward(*inputs, **options)
            dy = rng.standard_normal(y.shape).astype(np.float32)
            runs: dict[str, Callable[[], Any]] = {
                "forward": _bind(op.forward, inputs, options),
                "backward": _bind(op.backward, (dy, saved), {}),
            }
            times = in_turn(runs, rounds)
            moved = FLOAT * (sum(x.size for x in inputs if x is not None) + y.size)
            for direction, factor in (("forward", 1), ("backward", 2)):
                seconds = calls * times[direction].median
                rows.append(Row(f"{name} {direction}", calls, seconds, factor * calls * flops, factor * calls * moved))
    return sorted(rows, key=lambda row: -row.seconds)


def _bind(function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Callable[[], Any]:
    return lambda: function(*arguments, **options)


def _ops(config: ViTConfig, B: int) -> Iterator[tuple[str, int, Op, tuple[Any, ...], dict[str, Any], float]]:
    """Name, calls per step, op, inputs, options and FLOPs of one forward, for every op of the model worth a row."""
    rng = np.random.default_rng(0)

    def x(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    D, M, N, L, depth = config.embed_dim, config.hidden_dim, config.num_tokens, config.num_patches, config.depth
    C, S, K, heads = config.in_chans, STEM_CHANS, config.num_classes, config.num_heads
    height, width = config.image_shape
    chans = S if config.stem == "conv" else C

    def linear(rows: int, wide: int, out: int) -> tuple[Op, tuple[Any, ...], dict[str, Any], float]:
        return OPS["linear"], (x(rows, wide), x(wide, out), x(out)), {}, 2.0 * rows * wide * out

    def layer_norm(tokens: int) -> tuple[Op, tuple[Any, ...], dict[str, Any], float]:
        return OPS["layer_norm"], (x(B, tokens, D), x(D), x(D)), {}, 0.0

    def attention(Q: int) -> tuple[Op, tuple[Any, ...], dict[str, Any], float]:
        return OPS["attention"], (x(B, N, 3 * D),), {"num_heads": heads, "num_queries": Q}, 2 * 2.0 * B * Q * N * D

    if config.stem == "conv":
        for name, wide in (("conv1", C), ("conv2", S)):
            inputs = x(B, wide, height, width), x(9 * wide, S), x(S)
            yield f"conv2d, {name}", 1, OPS["conv2d"], inputs, {"padding": 1}, 2.0 * B * height * width * 9 * wide * S
        yield "gelu, stem", 2, ACTIVATIONS[config.gelu], (x(B, S, height, width),), {}, 0.0
    yield "patchify", 1, OPS["patchify"], (x(B, chans, height, width),), {"patch_size": config.patch_size}, 0.0
    yield "linear, patch_embed", 1, *linear(B * L, chans * config.patch_size**2, D)
    yield "layer_norm, norm1", depth, *layer_norm(N)
    yield "linear, qkv", depth, *linear(B * N, D, 3 * D)
    # With a class token, the last block brings one token per image, and its ops are small: they get rows of their own.
    queries = config.num_queries or 0
    last = min(depth, 1) if queries else 0
    parts = [(" (last block)", last, queries), ("", depth - last, N)]
    for where, calls, tokens in (part for part in parts if part[1]):
        yield f"attention{where}", calls, *attention(tokens)
        yield f"linear, proj{where}", calls, *linear(B * tokens, D, D)
        yield f"layer_norm, norm2{where}", calls, *layer_norm(tokens)
        yield f"linear, fc1{where}", calls, *linear(B * tokens, D, M)
        yield f"gelu{where}", calls, ACTIVATIONS[config.gelu], (x(B, tokens, M),), {}, 0.0
        yield f"linear, fc2{where}", calls, *linear(B * tokens, M, D)
    yield "layer_norm, norm", 1, *layer_norm(queries if last else N)
    yield "linear, head", 1, *linear(B, config.num_pooled, max(1, K))
