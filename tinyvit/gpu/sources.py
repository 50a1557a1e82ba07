"""Source of the CUDA kernels: the constants it is compiled with, and each kernel's signature."""

import functools
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..config import ViTConfig

FOLDER = Path(__file__).parent / "kernels"
ALWAYS = ("common", "layer_norm", "gelu", "softmax", "sums", "cross_entropy", "images", "tokens", "adamw")
SHARED_BYTES = 48 * 1024  # of a block of threads, on every GPU
MAX_THREADS = 256  # of a block in attention
MAX_HEAD_DIM = 32  # longer rows no longer fit into a thread's registers
SCALARS = {"int": np.int32, "long long": np.int64, "float": np.float32}
POINTERS = {"float*": "f4", "int*": "i4", "unsigned char*": "u1", "long long*": "i8"}


def files(config: ViTConfig) -> dict[str, str]:
    """The texts with the kernels that a model needs, by name; "common" stands in front of all others."""
    names = (*ALWAYS, "attention") if pairs_per_block(config) else ALWAYS
    return {name: (FOLDER / f"{name}.cu").read_text(encoding="utf-8") for name in names}


def source(config: ViTConfig) -> str:
    """All of them as one text."""
    return "\n".join(files(config).values())


def constants(config: ViTConfig) -> dict[str, int]:
    """Values of the names in capitals."""
    height, width = config.image_shape
    return {
        "EMBED_DIM": config.embed_dim,
        "NUM_TOKENS": config.num_tokens,
        "NUM_PREFIX": config.num_prefix_tokens,
        "NUM_HEADS": config.num_heads,
        "HEAD_DIM": config.head_dim,
        "PAIRS": pairs_per_block(config),
        "GELU_TANH": int(config.gelu == "tanh"),
        "IN_CHANS": config.in_chans,
        "IMAGE_HEIGHT": height,
        "IMAGE_WIDTH": width,
        "PATCH_SIZE": config.patch_size,
    }


def threads_per_pair(config: ViTConfig) -> int:
    """One for each token, rounded up to whole warps."""
    return -(-config.num_tokens // 32) * 32


def pairs_per_block(config: ViTConfig) -> int:
    """Number of (image, head) pairs that a block of `attention.cu` works on; 0 if not even one fits."""
    bytes_per_pair = 4 * (2 * config.num_tokens * config.head_dim + 2 * config.num_tokens)
    if config.head_dim > MAX_HEAD_DIM:
        return 0
    return min(SHARED_BYTES // bytes_per_pair, MAX_THREADS // threads_per_pair(config))


@functools.cache
def signatures(text: str) -> dict[str, list[str]]:
    """The types of each kernel's arguments: `{"gelu_forward": ["float*", "float*", "float*", "long long", "int"]}`."""
    kernels = re.finditer(r"__global__ void (\w+)\(([^)]*)\)", text)
    return {
        kernel[1]: [" ".join(argument.removeprefix("const ").split()[:-1]) for argument in _arguments(kernel[2])]
        for kernel in kernels
    }


def _arguments(text: str) -> list[str]:
    return [" ".join(argument.split()) for argument in text.split(",")]


def typed(kernel: str, types: list[str], args: tuple[Any, ...]) -> list[Any]:
    """Scalars as the kernel's types, arrays as they are, None as a null pointer.

    Raises:
        TypeError: an argument is missing, or an array has gaps or another dtype. A kernel would read it as garbage.
    """
    if len(types) != len(args):
        raise TypeError(f"{kernel} takes {len(types)} arguments, got {len(args)}")
    result: list[Any] = []
    for index, (kind, value) in enumerate(zip(types, args, strict=True)):
        if kind in SCALARS:
            result.append(SCALARS[kind](value))
        elif value is None:
            result.append(np.uintp(0))
        elif value.dtype != np.dtype(POINTERS[kind]) or not value.flags.c_contiguous:
            raise TypeError(f"argument {index} of {kernel} must be a contiguous {kind}, got {value.dtype}")
        else:
            result.append(value)
    return result
