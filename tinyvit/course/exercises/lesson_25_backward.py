# mypy: disable-error-code="no-untyped-def"
"""Lesson 25, a convolution's backward: where the forward reads, it adds."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add
from .lesson_25 import columns_of, convolved, flat, images_of

# --- 25.2 ---


def convolution_backward(dy, x, weight, stride):
    return _backward(dy, x, weight, stride)


def _spread(dcolumns, x, stride, *, put=np.add, crop=True, turned=False, middle_only=False):
    """(B, C, 9, H', W') -> (B, C, H, W): each number back to the pixel that it was copied from."""
    B, C, H, W = x.shape
    dpadded = np.zeros((B, C, H + 2, W + 2), dcolumns.dtype)
    for place in range(9):
        u, v = divmod(place, 3)[:: -1 if turned else 1]
        here = dpadded[:, :, u : u + H : stride, v : v + W : stride]
        if not middle_only or place == 4:
            here[...] = put(here, dcolumns[:, :, place])
    return dpadded[:, :, 1:-1, 1:-1] if crop else dpadded


def _backward(dy, x, weight, stride, *, columns=columns_of, spread=_spread, ends=(1.0, 1.0, 1.0)):
    B, C = x.shape[:2]
    d = (weight @ flat(dy)).reshape(B, C, 9, *dy.shape[2:])
    dweight = (flat(columns(x, stride)) @ flat(dy).swapaxes(1, 2)).sum(axis=0)
    one, two, three = ends
    return one * spread(d, x, stride), two * dweight, three * dy.sum(axis=(0, 2, 3))


def _gradients(rng: np.random.Generator) -> Iterator[Case]:
    for x, weight, bias, stride in (case.arguments for case in images_of(rng)):
        dy = rng.standard_normal(convolved(x, weight, bias, stride).shape)
        yield Case((dy, x, weight, stride))


def _changed(name, value):
    """The right gradients, one of them changed."""

    def mistake(dy, x, weight, stride):
        grads = dict(zip(("dx", "dweight", "dbias"), _backward(dy, x, weight, stride), strict=True))
        grads[name] = value(dy, x, weight, stride)
        return tuple(grads.values())

    return mistake


def _spread_by(**change):
    return lambda dy, x, weight, stride: _backward(
        dy, x, weight, stride, spread=lambda d, x, stride: _spread(d, x, stride, **change)
    )


def _channel_last_dx(dy, x, weight, stride):
    B, C = x.shape[:2]
    d = (weight @ flat(dy)).reshape(B, 9, C, *dy.shape[2:]).swapaxes(1, 2)
    return _spread(d, x, stride)


def _as_forward(dy, x, weight, stride):
    """The forward once more, with the weights as they stand: they would have to be turned round."""
    wide = np.zeros((dy.shape[0], dy.shape[1], *x.shape[2:]))
    wide[:, :, ::stride, ::stride] = dy
    turned = weight.reshape(-1, 9, weight.shape[1]).transpose(2, 1, 0).reshape(-1, x.shape[1])
    return convolved(wide, turned, np.zeros(x.shape[1]), 1)


add(
    "25.2",
    convolution_backward,
    _gradients,
    outputs=("dx", "dweight", "dbias"),
    not_to_call=("conv2d",),
    mistakes={
        "a pixel of several windows keeps the last one's gradient; they add up: +=": _spread_by(
            put=lambda here, d: d,
        ),
        "each pixel got the gradient of its own window alone; up to nine windows have seen it": _spread_by(
            middle_only=True
        ),
        "dx still has the border of zeros around it: cut one pixel off on each side": _spread_by(crop=False),
        "dx: rows and columns of the window are exchanged: place u, v goes to row u, column v": _spread_by(turned=True),
        "dx: the rows of weight are channel first: reshape to (B, C, 9, ...), not (B, 9, C, ...)": _changed(
            "dx", _channel_last_dx
        ),
        "dx: with the window as it is, that is a forward once more; backward it stands the other way round": _changed(
            "dx", _as_forward
        ),
        "dweight is a mean over the images; their gradients add up": (
            lambda dy, x, weight, stride: _backward(dy, x, weight, stride, ends=(1.0, 1 / len(x), 1.0))
        ),
        "dweight and dbias are means over the images; they add up": (
            lambda dy, x, weight, stride: _backward(dy, x, weight, stride, ends=(1.0, 1 / len(x), 1 / len(x)))
        ),
        "dbias is a mean over the images; they add up": (
            lambda dy, x, weight, stride: _backward(dy, x, weight, stride, ends=(1.0, 1.0, 1 / len(x)))
        ),
        "dbias is a mean over images and places; it is their sum": _changed(
            "dbias", lambda dy, x, weight, stride: dy.mean(axis=(0, 2, 3))
        ),
        "dbias is of the first image only; all images use the bias": _changed(
            "dbias", lambda dy, x, weight, stride: dy[0].sum(axis=(1, 2))
        ),
        "dweight is that of each image; the weight is shared by all, so add them up": _changed(
            "dweight", lambda dy, x, weight, stride: flat(columns_of(x, stride)) @ flat(dy).swapaxes(1, 2)
        ),
        "dbias is that of each image; add them up": _changed("dbias", lambda dy, x, w, stride: dy.sum(axis=(2, 3))),
        "dweight is turned round: its rows are the numbers of a window, as those of weight are": _changed(
            "dweight", lambda dy, x, weight, stride: _backward(dy, x, weight, stride)[1].T
        ),
        "dweight: the window was read down its columns; its nine pixels go row by row": (
            lambda dy, x, weight, stride: _backward(
                dy, x, weight, stride, columns=lambda x, stride: columns_of(x, stride, turned=True)
            )
        ),
    },
)
