# mypy: disable-error-code="no-untyped-def"
"""Lesson 5, layer norm."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def _shapes(rng: np.random.Generator) -> list[tuple[int, ...]]:
    return [(3, 5), (2, 3, 7), tuple(rng.integers(2, 6, 3)), (6,), (2, 1, 3, 4), (3, 1)]


# --- 5.1 ---


def layer_norm_forward(x, weight, bias, *, eps=1e-6):
    return _forward(x, weight, bias, eps=eps)


def _forward(x, weight, bias, *, eps, axis=-1, centre=True, rstd=None):
    mean = x.mean(axis, keepdims=True) if centre else 0.0
    rstd = (1 / np.sqrt(x.var(axis, keepdims=True) + eps)) if rstd is None else rstd
    x_hat = (x - mean) * rstd
    return x_hat * weight + bias, (x_hat, rstd, weight)


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in _shapes(rng):
        weight, bias = rng.uniform(0.5, 2, (2, shape[-1]))
        for options in ({"eps": 0.1}, {}):
            yield Case((2 * rng.standard_normal(shape) + 1, weight, bias), options)
    x = rng.standard_normal((3, 5))
    x[1] = 3.0  # without any variance
    yield Case((x, weight := rng.uniform(0.5, 2, 5), bias := rng.standard_normal(5)))
    yield Case((x + 1e4, weight, bias), by_chance=True)  # mean(x²) - mean² has lost its digits here


def _var(x):
    return x.var(-1, keepdims=True)


def _unfinished(x, weight, bias, *, eps=1e-6):
    _, (x_hat, rstd, _) = _forward(x, weight, bias, eps=eps)
    return x_hat, (x_hat, rstd, weight)


def _bias_first(x, weight, bias, *, eps=1e-6):
    _, (x_hat, rstd, _) = _forward(x, weight, bias, eps=eps)
    return (x_hat + bias) * weight, (x_hat, rstd, weight)


def _saves_std(x, weight, bias, *, eps=1e-6):
    y, (x_hat, rstd, _) = _forward(x, weight, bias, eps=eps)
    return y, (x_hat, 1 / rstd, weight)


add(
    "5.1",
    layer_norm_forward,
    _forward_cases,
    outputs=("y", "x_hat", "rstd", "weight"),
    mistakes={
        "you took mean and variance over the first axis; every token has its own, over the last axis": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, axis=0)
        ),
        "you divided by the variance; it is its square root, the standard deviation": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, rstd=1 / (_var(x) + eps))
        ),
        "you multiplied by the standard deviation; rstd is 1 divided by it": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, rstd=np.sqrt(_var(x) + eps))
        ),
        "the mean was not taken off": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, centre=False)
        ),
        "weight and bias are missing at the end": _unfinished,
        "the variance was divided by D - 1; layer norm divides by D, as NumPy's var does by itself": (
            lambda x, weight, bias, *, eps=1e-6: _forward(
                x, weight, bias, eps=eps, rstd=1 / np.sqrt(x.var(-1, keepdims=True, ddof=1) + eps)
            )
        ),
        "x.mean(-1) or x.var(-1) lost the last axis, and does not fit to x any more; keepdims=True keeps it": (
            lambda x, weight, bias, *, eps=1e-6: x - x.mean(-1)
        ),
        "you took mean and variance over the whole array; every token has its own, over the last axis": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, axis=None)
        ),
        "the variance is the mean of the squares, and not their sum": (
            lambda x, weight, bias, *, eps=1e-6: _forward(
                x, weight, bias, eps=eps, rstd=1 / np.sqrt(_var(x) * x.shape[-1] + eps)
            )
        ),
        "the variance is the mean of (x - mean)², and not of x²": (
            lambda x, weight, bias, *, eps=1e-6: _forward(
                x, weight, bias, eps=eps, rstd=1 / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
            )
        ),
        "first times weight, and then plus bias: x_hat * weight + bias": _bias_first,
        "eps is missing under the square root, or it is not the eps that was given": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=0.0)
        ),
        "saved holds the standard deviation; rstd is 1 divided by it": _saves_std,
        "what the backward will need is missing: return y, (x_hat, rstd, weight)": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps)[0]
        ),
        "eps belongs inside the square root": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, rstd=1 / (np.sqrt(_var(x)) + eps))
        ),
    },
)


# --- 5.2 ---


def layer_norm_backward(dy, saved):
    return _backward(dy, saved)


def _mean(x):
    return x.mean(-1, keepdims=True)


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
    },
)
