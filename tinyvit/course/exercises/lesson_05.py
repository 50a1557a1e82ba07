# mypy: disable-error-code="no-untyped-def"
"""Lesson 5, layer norm."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add


def _shapes(rng: np.random.Generator) -> list[tuple[int, ...]]:
    return [(3, 5), (2, 3, 7), tuple(rng.integers(2, 6, 3))]


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
        for options in ({}, {"eps": 0.1}):
            yield Case((2 * rng.standard_normal(shape) + 1, weight, bias), options)


def _var(x):
    return x.var(-1, keepdims=True)


def _unfinished(x, weight, bias, *, eps=1e-6):
    _, (x_hat, rstd, _) = _forward(x, weight, bias, eps=eps)
    return x_hat, (x_hat, rstd, weight)


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


def _backward(dy, saved, *, through_mean=True, through_std=True, weighted=True, scaled=True, averaged=False):
    x_hat, rstd, weight = saved
    dx_hat = dy * weight if weighted else dy
    dx = dx_hat.copy()
    if through_mean:
        dx -= dx_hat.mean(-1, keepdims=True)
    if through_std:
        dx -= x_hat * (dx_hat * x_hat).mean(-1, keepdims=True)
    if scaled:
        dx *= rstd
    together = np.mean if averaged else np.sum
    rows = tuple(range(dy.ndim - 1))
    return dx, together(dy * x_hat, rows), together(dy, rows)


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
        "the road through rstd is missing": lambda dy, saved: _backward(dy, saved, through_std=False),
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
