"""A convolution: one small linear layer, moved over the image, that sees a window of k x k pixels at a time.

    y[b, o, i, j] = Σ_{c,u,v} x[b, c, s*i + u - p, s*j + v - p] weight[(c, u, v), o] + bias[o]

with stride s and padding p: beyond its edge the image is 0. Copy every window into a column of its own ("im2col"),

    columns[b, (c, u, v), (i, j)] = x[b, c, s*i + u - p, s*j + v - p]

and a linear layer is left, y = weight.T @ columns + bias. Backwards it is one too, and then the copying is undone:
    dweight  = Σ_b columns @ dy.T,   dbias = Σ_{b,i,j} dy      (all windows share one weight)
    dcolumns = weight @ dy
    dx[pixel] = the sum of dcolumns over all places that the pixel was copied to: up to k*k windows saw it
Adding up the copies ("col2im") is the transpose of copying: where the forward reads, the backward adds.
Source: Chellapilla, Puri, Simard 2006, "High Performance Convolutional Neural Networks for Document Processing".
"""

import math
from typing import NamedTuple

from ..backend import Array, array_module
from ..errors import UserError
from .floats import check_shape, takes_floats, takes_gradients


class Conv2dSaved(NamedTuple):
    """Not the columns: they are k*k times as many numbers as x, and quickly copied again."""

    x: Array  # (B, C, H, W)
    weight: Array  # (C*k*k, O)
    kernel_size: int  # k
    stride: int  # s
    padding: int  # p


@takes_floats
def conv2d_forward(
    x: Array, weight: Array, bias: Array, *, stride: int = 1, padding: int = 0
) -> tuple[Array, Conv2dSaved]:
    """(B, C, H, W), (C*k*k, O), (O,) -> (B, O, H', W'), with H' = (H + 2p - k) // s + 1 and W' likewise.

    Windows are square, so `weight` and the channels of `x` tell k; each is flattened channel first, as patches are.

    Raises:
        UserError: `x` has not four axes, `weight` fits no k or `bias` not the weight, `stride` or `padding` makes no
            sense, or a window is larger than the padded image.
    """
    if x.ndim != 4:
        raise UserError(f"x must have the shape (B, C, H, W), got {x.shape}: add the missing axes")
    B, C, H, W = x.shape
    k = math.isqrt(weight.shape[0] // max(1, C))
    if k < 1 or weight.ndim != 2 or weight.shape[0] != C * k * k:
        raise UserError(f"weight must be ({C} channels * k * k, out) for some k, got {weight.shape}: reshape it")
    if stride < 1 or padding < 0:
        raise UserError(f"stride must be at least 1 and padding at least 0, got {stride} and {padding}: change them")
    if k > min(H, W) + 2 * padding:
        raise UserError(f"a {k}x{k} window is larger than a {H}x{W} image with padding {padding}: use more padding")
    check_shape("bias", bias, weight.shape[1:])
    columns = _im2col(x, k, stride, padding)
    H_out, W_out = columns.shape[-2:]
    y = weight.T @ columns.reshape(B, C * k * k, H_out * W_out)  # (B, O, H'*W')
    y += bias.reshape(-1, 1)
    return y.reshape(B, weight.shape[1], H_out, W_out), Conv2dSaved(x, weight, k, stride, padding)


@takes_gradients
def conv2d_backward(dy: Array, saved: Conv2dSaved) -> tuple[Array, Array, Array]:
    """(B, O, H', W') -> dx (B, C, H, W), dweight (C*k*k, O), dbias (O,)."""
    x, weight, k, stride, padding = saved
    (B, C, H, W), (_, O, H_out, W_out) = x.shape, dy.shape
    dy = dy.reshape(B, O, H_out * W_out)
    columns = _im2col(x, k, stride, padding)
    dbias = dy.sum(axis=(0, 2))
    dweight = (columns.reshape(B, C * k * k, H_out * W_out) @ dy.swapaxes(1, 2)).sum(axis=0)
    dcolumns = (weight @ dy).reshape(columns.shape)
    dpadded = array_module(x).zeros((B, C, H + 2 * padding, W + 2 * padding), dy.dtype)
    for place, pixels in enumerate(_by_place(dpadded, k, stride)):
        pixels += dcolumns[:, :, place]  # no pixel is twice among those of one place, so no addition is lost
    return dpadded[:, :, padding : padding + H, padding : padding + W], dweight, dbias


def _im2col(x: Array, k: int, stride: int, padding: int) -> Array:
    """(B, C, H, W) -> (B, C, k*k, H', W')."""
    xp, edge = array_module(x), (padding, padding)
    return xp.stack(_by_place(xp.pad(x, ((0, 0), (0, 0), edge, edge)), k, stride), axis=2)


def _by_place(padded: Array, k: int, stride: int) -> list[Array]:
    """For each of the k*k places in a window, a view (B, C, H', W') of the pixels that all windows have there."""
    H_out, W_out = ((size - k) // stride + 1 for size in padded.shape[2:])
    rows = [slice(u, u + stride * H_out, stride) for u in range(k)]
    columns = [slice(v, v + stride * W_out, stride) for v in range(k)]
    return [padded[:, :, row, column] for row in rows for column in columns]
