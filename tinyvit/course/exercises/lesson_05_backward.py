# mypy: disable-error-code="no-untyped-def"
"""Lesson 5, layer norm backward."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add
from .lesson_05 import _forward_cases, _mean, layer_norm_forward

# --- 5.2 ---


def layer_norm_backward(dy, saved):
    return _backward(dy, saved)


def _backward(
    dy, saved, *, through_mean=True, through_std=True, weighted=True, scaled=True, averaged=False, mean=_mean
):
    x_hat, rstd, weight = saved
    dx_hat = dy * weight if weighted else dy
    dx = dx_hat.copy()
    if through_mean:
        dx -= mean(dx_hat)
    if through_std:
        dx -= x_hat * mean(dx_hat * x_hat)
    if scaled:
        dx *= rstd
    together = np.mean if averaged else np.sum
    rows = tuple(range(dy.ndim - 1))
    return dx, together(dy * x_hat, rows), together(dy, rows)


def _without_x_hat(dy, saved):
    x_hat, rstd, weight = saved
    dx, dweight, dbias = _backward(dy, saved, through_std=False)
    return dx - _mean(dy * weight * x_hat) * rstd, dweight, dbias


def _weight_in_dweight(dy, saved):
    dx, dweight, dbias = _backward(dy, saved)
    return dx, dweight * saved[2], dbias


def _scales_the_last_road(dy, saved):
    x_hat, rstd, weight = saved
    dx_hat = dy * weight
    return dx_hat - _mean(dx_hat) - x_hat * _mean(dx_hat * x_hat) * rstd, *_backward(dy, saved)[1:]


def _with(road):
    """dx with another line in the place of the right one."""

    def mistake(dy, saved):
        x_hat, rstd, weight = saved
        return road(dy, dy * weight, x_hat) * rstd, *_backward(dy, saved)[1:]

    return mistake


def _mean_over_first(x):
    return x.mean(0, keepdims=True)


def _over_two(dy, saved):
    axes = 0 if dy.ndim == 2 else (0, 1)
    return (dy * saved[0]).sum(axes), dy.sum(axes)


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in _forward_cases(rng):
        y, saved = layer_norm_forward(*case.arguments, **case.options)
        yield Case((rng.standard_normal(y.shape), saved))


add(
    "5.2",
    layer_norm_backward,
    _backward_cases,
    outputs=("dx", "dweight", "dbias"),
    mistakes={
        "brackets: rstd multiplies all three roads, not the last one alone": _scales_the_last_road,
        "saved is (x_hat, rstd, weight), in this order": lambda dy, saved: _backward(dy, saved[::-1]),
        "dweight is made number by number, dy * x_hat, and then summed over the tokens: no matrix product": (
            lambda dy, saved: (_backward(dy, saved)[0], dy.T @ saved[0], _backward(dy, saved)[2])
        ),
        "dweight and dbias are one number each; sum over every axis but the last": (
            lambda dy, saved: (_backward(dy, saved)[0], (dy * saved[0]).sum(), dy.sum())
        ),
        "dweight is one number; sum over every axis but the last": (
            lambda dy, saved: (_backward(dy, saved)[0], (dy * saved[0]).sum(), _backward(dy, saved)[2])
        ),
        "dweight and dbias were summed over the axes 0 and 1, which fits three axes only: sum over all but the last": (
            lambda dy, saved: (_backward(dy, saved)[0], *_over_two(dy, saved))
        ),
        "weight multiplies dy before the two means are taken, not what comes out at the end": (
            lambda dy, saved: (saved[2] * _backward(dy, saved, weighted=False)[0], *_backward(dy, saved)[1:])
        ),
        "the road through the mean is missing: every number moves the mean, and the mean moves every number": (
            lambda dy, saved: _backward(dy, saved, through_mean=False)
        ),
        "the road through rstd is missing (or is it the product of two means? it is the mean of the product)": (
            lambda dy, saved: _backward(dy, saved, through_std=False)
        ),
        "both are means, not sums: divide by D": (
            lambda dy, saved: _backward(dy, saved, mean=lambda x: x.sum(-1, keepdims=True))
        ),
        "the two means run over all tokens; every token has its own two, over the last axis": (
            lambda dy, saved: _backward(dy, saved, mean=np.mean)
        ),
        "the mean lost the last axis, and does not fit to dx_hat any more; keepdims=True keeps it": (
            lambda dy, saved: dy - dy.mean(-1)
        ),
        "x_hat is missing in front of the second mean": _without_x_hat,
        "weight is in dweight; that is the sum of dy * x_hat, with dy and not dx_hat": _weight_in_dweight,
        "dweight and dbias were summed over the numbers of each token; sum over the tokens, every axis but the last": (
            lambda dy, saved: (_backward(dy, saved)[0], (dy * saved[0]).sum(-1), dy.sum(-1))
        ),
        "dweight and dbias were summed over the first axis only; sum over every axis but the last": (
            lambda dy, saved: (_backward(dy, saved)[0], (dy * saved[0]).sum(0), dy.sum(0))
        ),
        "only the direct road is there: mean and rstd depend on x too": (
            lambda dy, saved: _backward(dy, saved, through_mean=False, through_std=False)
        ),
        "weight is missing on the way to dx: dx_hat = dy * weight": (
            lambda dy, saved: _backward(dy, saved, weighted=False)
        ),
        "rstd is missing at the end of dx": lambda dy, saved: _backward(dy, saved, scaled=False),
        "dweight and dbias are averaged over the tokens; gradients of what is shared add up": (
            lambda dy, saved: _backward(dy, saved, averaged=True)
        ),
        "both means are of dx_hat = dy * weight, and not of dy": _with(
            lambda dy, dx_hat, x_hat: dx_hat - _mean(dy) - x_hat * _mean(dy * x_hat)
        ),
        "x_hat belongs inside the second mean, too: it is the mean of dx_hat * x_hat": _with(
            lambda dy, dx_hat, x_hat: dx_hat - _mean(dx_hat) - x_hat**2 * _mean(dx_hat)
        ),
        "the two means run down the first axis; every token has its own two, over the last": _with(
            lambda dy, dx_hat, x_hat: dx_hat - _mean_over_first(dx_hat) - x_hat * _mean_over_first(dx_hat * x_hat)
        ),
        "shift and stretch are taken off, with a minus, and not added": _with(
            lambda dy, dx_hat, x_hat: dx_hat + _mean(dx_hat) + x_hat * _mean(dx_hat * x_hat)
        ),
    },
)
