"""Ops on images as nodes of a graph, each forward beside its backward; see `tinyvit/ops/{conv2d,patchify}.py`."""

import math

import numpy as np

from ..backend import Array
from .graph import Graph, Value


def normalise_forward(g: Graph, images: Value, mean: np.ndarray, std: np.ndarray) -> Value:
    """Pixels 0..255 (B, C, H, W) -> (pixels / 255 - mean) / std, as one product and one difference.

    Args:
        mean, std: of pixels in 0..1, (C, 1, 1) or (1, 1, 1).
    """
    scaled = g("Mul", images, g.weight(1 / (255 * std), "pixel_scale"))
    return g("Sub", scaled, g.weight(mean / std, "pixel_shift"))


def normalise_backward(g: Graph, dy: Value, std: np.ndarray) -> Value:
    return g("Mul", dy, g.weight(1 / (255 * std), "pixel_scale"))


def conv2d_forward(g: Graph, x: Value, weight: Array, bias: Array, *, kernel_size: int, padding: int) -> Value:
    """(B, C, H, W) -> (B, O, H', W'), of stride 1."""
    return g("Conv", x, _kernels(g, weight, kernel_size), g.weight(bias), pads=[padding] * 4)


def conv2d_backward(g: Graph, dy: Value, weight: Array, *, kernel_size: int, padding: int) -> Value:
    """(B, O, H', W') -> (B, C, H, W): where the forward reads, the transposed convolution adds."""
    return g("ConvTranspose", dy, _kernels(g, weight, kernel_size), pads=[padding] * 4)


def _kernels(g: Graph, weight: Array, k: int) -> Value:
    """Our weight (C*k*k, O) as (O, C, k, k)."""
    rows, O = weight.shape
    return g.weight(weight.T.reshape(O, rows // (k * k), k, k), g.names[id(weight)])


def patchify_forward(g: Graph, images: Value, *, chans: int, grid: tuple[int, int], patch_size: int) -> Value:
    """(B, C, H, W) -> (B, L, C*P*P)."""
    (rows, columns), P = grid, patch_size
    pieces = g.reshape(images, 0, chans, rows, P, columns, P)
    return g.reshape(g.transpose(pieces, 0, 2, 4, 1, 3, 5), 0, math.prod(grid), chans * P * P)


def patchify_backward(g: Graph, dpatches: Value, *, chans: int, grid: tuple[int, int], patch_size: int) -> Value:
    """(B, L, C*P*P) -> (B, C, H, W), the re-arrangement back: unpatchify."""
    (rows, columns), P = grid, patch_size
    pieces = g.reshape(dpatches, 0, rows, columns, chans, P, P)
    return g.reshape(g.transpose(pieces, 0, 3, 1, 4, 2, 5), 0, chans, rows * P, columns * P)
