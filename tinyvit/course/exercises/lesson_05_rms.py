# mypy: disable-error-code="no-untyped-def"
"""Lesson 5, RMS norm, whose backward a learner derives alone."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 5.3 ---


def rms_norm_backward(dy, saved):
    return _backward(dy, saved)


def _backward(dy, saved, *, axis=-1, power=2, sign=-1, shift=False, weighted=True, outside=True, mean=np.mean):
    x, r, weight = saved
    dx_hat = dy * weight if weighted else dy
    along = mean(dx_hat * x, axis, keepdims=True)
    dx = dx_hat + sign * x * r**power * along
    dx = dx - dx_hat.mean(-1, keepdims=True) if shift else dx
    return (dx * r if outside else dx), _summed(dy * x * r)


def _summed(dweight):
    return dweight.sum(tuple(range(dweight.ndim - 1)))


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((3, 5), (2, 3, 7), tuple(rng.integers(2, 6, 3)), (6,), (2, 1, 3, 4), (3, 1)):
        x, weight = 2 * rng.standard_normal(shape) + 0.5, rng.uniform(0.5, 2, shape[-1])
        r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 0.1)
        yield Case((rng.standard_normal(shape), (x, r, weight)))


def _dweight(change):
    def wrong(dy, saved):
        return _backward(dy, saved)[0], change(dy, *saved)

    return wrong


add(
    "5.3",
    rms_norm_backward,
    _cases,
    outputs=("dx", "dweight"),
    mistakes={
        "the road through r is missing: r changes with every number of the token": (
            lambda dy, saved: _backward(dy, saved, sign=0)
        ),
        "the road through r makes dx smaller: r falls when a number grows in size": (
            lambda dy, saved: _backward(dy, saved, sign=1)
        ),
        "dx is off by the weight: y is x * r * weight, so what comes to x * r is dy * weight": (
            lambda dy, saved: _backward(dy, saved, weighted=False)
        ),
        "the shift is taken off, as in layer norm; RMS norm takes no mean off, so there is no such road": (
            lambda dy, saved: _backward(dy, saved, shift=True)
        ),
        "the road through r has a factor r too few: dr/dx_i is -r³ x_i / D, and one of the three r stands outside": (
            lambda dy, saved: _backward(dy, saved, power=1)
        ),
        "the road through r lacks r² altogether: dr/dx_i is -r³ x_i / D": (
            lambda dy, saved: _backward(dy, saved, power=0)
        ),
        "the last r is missing: the straight road is dy * weight * r": (
            lambda dy, saved: _backward(dy, saved, outside=False)
        ),
        "the sum over the token is not divided by D: in r stands a mean of squares": (
            lambda dy, saved: _backward(dy, saved, mean=np.sum)
        ),
        "the mean was taken over the first axis; each token has its own, over the last": (
            lambda dy, saved: _backward(dy, saved, axis=0)
        ),
        "dweight must be summed over all tokens, since they share the weight": _dweight(
            lambda dy, x, r, weight: dy * x * r
        ),
        "dweight is the sum of dy times x * r, and not of dy times x": _dweight(
            lambda dy, x, r, weight: _summed(dy * x)
        ),
        "a mean is divided by D already; here D divides twice": lambda dy, saved: _backward(
            dy, saved, mean=lambda x, axis, keepdims: x.mean(axis, keepdims=keepdims) / x.shape[axis]
        ),
        "weight multiplies dy before the mean is taken, not what comes out at the end": lambda dy, saved: (
            saved[2] * _backward(dy, saved, weighted=False)[0],
            _backward(dy, saved)[1],
        ),
        "dweight is averaged over the tokens; gradients of what is shared add up": lambda dy, saved: (
            _backward(dy, saved)[0],
            _backward(dy, saved)[1] * dy.shape[-1] / dy.size,
        ),
    },
)
