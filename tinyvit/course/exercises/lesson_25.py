# mypy: disable-error-code="no-untyped-def"
"""Lesson 25, a convolution of 3 x 3 pixels."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 25.1 ---


def convolution(x, weight, bias, stride):
    return convolved(x, weight, bias, stride)


def _padded(x, *, edge="constant", margin=((1, 1), (1, 1))):
    return np.pad(x, ((0, 0), (0, 0), *margin), mode=edge)


def columns_of(x, stride, *, pad=_padded, places=3, turned=False):
    """(B, C, H, W) -> (B, 9*C, H', W'), the nine pixels of each window, channel first."""
    B, C, H, W = x.shape
    padded = pad(x)
    shifts = [(v, u) if turned else (u, v) for u in range(places) for v in range(places)]
    views = [padded[:, :, u : u + H : stride, v : v + W : stride] for u, v in shifts]
    return np.stack(views, axis=2).reshape(B, C * places * places, *views[0].shape[2:])


def flat(a):
    """(B, N, H', W') -> (B, N, H'*W')."""
    return a.reshape(*a.shape[:2], -1)


def _product(columns, weight, bias):
    y = weight.T @ flat(columns)
    return y.reshape(*y.shape[:2], *columns.shape[2:]) + bias[:, None, None]


def convolved(x, weight, bias, stride, **change):
    return _product(columns_of(x, stride, **change), weight, bias)


def images_of(rng: np.random.Generator) -> Iterator[Case]:
    for B, C, H, W, O, stride in (
        (2, 3, 5, 7, 4, 1),
        (1, 1, 4, 6, 2, 2),
        (3, 2, 7, 5, 1, 2),  # the last window begins one pixel before the edge
        (1, 4, 6, 7, 5, 3),
        (2, 2, 1, int(rng.integers(3, 6)), 3, 1),
        (1, 1, 3, 3, 1, 1),
    ):
        yield Case((rng.standard_normal((B, C, H, W)), rng.standard_normal((9 * C, O)), rng.standard_normal(O), stride))


def _channel_last(x, weight, bias, stride):
    C = x.shape[1]
    return convolved(x, weight.reshape(9, C, -1).swapaxes(0, 1).reshape(9 * C, -1), bias, stride)


def _to_the_right(x):
    return _padded(x, margin=((0, 2), (0, 2)))


add(
    "25.1",
    convolution,
    images_of,
    outputs=("y",),
    not_to_call=("conv2d",),
    mistakes={
        "the border of zeros is missing: np.pad both last axes by one pixel on each side first": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, stride, pad=lambda x: x)
        ),
        "the border is of zeros, not of copies of the pixels at the edge": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, stride, pad=lambda x: _padded(x, edge="edge"))
        ),
        "what leaves the image on one side comes in on the other; beyond the edge the image is 0": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, stride, pad=lambda x: _padded(x, edge="wrap"))
        ),
        "the pixel must stand in the middle of its window; yours begins there: pad by one on each side": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, stride, pad=_to_the_right)
        ),
        "the rows of the weight are channel first, as patches are: put the nine places on the axis behind C": (
            _channel_last
        ),
        "the window was read down its columns; its nine pixels go row by row": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, stride, turned=True)
        ),
        "the window was turned round: the first of a channel's nine weights meets the window's first pixel": (
            lambda x, weight, bias, stride: convolved(
                x, weight.reshape(-1, 9, len(bias))[:, ::-1].reshape(weight.shape), bias, stride
            )
        ),
        "the stride is not used: take every stride-th window": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, 1)
        ),
        "the stride is used along one axis only: rows and columns both have it": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, 1)[:, :, ::stride]
        ),
        "the stride counts the windows from the second on: begin with the first, at 0": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, 1)[
                :, :, stride - 1 :: stride, stride - 1 :: stride
            ]
        ),
        "the bias is missing": lambda x, weight, bias, stride: convolved(x, weight, 0 * bias, stride),
        "the channels of a window are added up: each has its own nine weights": (
            lambda x, weight, bias, stride: convolved(
                x, np.tile(weight.reshape(-1, 9, len(bias)).mean(axis=0), (x.shape[1], 1)), bias, stride
            )
        ),
        "the windows must lie on the axes of the image again: y is (B, O, H', W')": (
            lambda x, weight, bias, stride: (lambda y: y.reshape(*y.shape[:2], -1))(convolved(x, weight, bias, stride))
        ),
        "the outputs stand last; y has them on axis 1, (B, O, H', W')": (
            lambda x, weight, bias, stride: convolved(x, weight, bias, stride).transpose(0, 2, 3, 1)
        ),
    },
)
