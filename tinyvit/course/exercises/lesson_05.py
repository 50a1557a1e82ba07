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


def _mean(x):
    return x.mean(-1, keepdims=True)


def _var(x):
    return x.var(-1, keepdims=True)


def _unfinished(x, weight, bias, *, eps=1e-6):
    _, (x_hat, rstd, _) = _forward(x, weight, bias, eps=eps)
    return x_hat, (x_hat, rstd, weight)


def _bias_first(x, weight, bias, *, eps=1e-6):
    _, (x_hat, rstd, _) = _forward(x, weight, bias, eps=eps)
    return (x_hat + bias) * weight, (x_hat, rstd, weight)


def _without_keepdims(x, weight, bias, eps, axis):
    rstd = 1 / np.sqrt(x.var(axis) + eps)
    x_hat = (x - x.mean(axis)) * rstd
    return x_hat * weight + bias, (x_hat, rstd, weight)


def _sum_taken_off(x, weight, bias, eps):
    rstd = 1 / np.sqrt(_var(x) + eps)
    x_hat = (x - x.sum(-1, keepdims=True)) * rstd
    return x_hat * weight + bias, (x_hat, rstd, weight)


def _saves_y(x, weight, bias, *, eps=1e-6):
    y, (_, rstd, _) = _forward(x, weight, bias, eps=eps)
    return y, (y, rstd, weight)


def _only_mean_scaled(x, weight, bias, *, eps=1e-6):
    _, (_, rstd, _) = _forward(x, weight, bias, eps=eps)
    x_hat = x - _mean(x) * rstd
    return x_hat * weight + bias, (x_hat, rstd, weight)


def _without_bias(x, weight, bias, *, eps=1e-6):
    y, saved = _forward(x, weight, bias, eps=eps)
    return y - bias, saved


def _saves_std(x, weight, bias, *, eps=1e-6):
    y, (x_hat, rstd, _) = _forward(x, weight, bias, eps=eps)
    return y, (x_hat, 1 / rstd, weight)


add(
    "5.1",
    layer_norm_forward,
    _forward_cases,
    outputs=("y", "x_hat", "rstd", "weight"),
    mistakes={
        "you took mean and variance over the first axis; every token has its own, over the last (keepdims=True)": (
            lambda x, weight, bias, *, eps=1e-6: _without_keepdims(x, weight, bias, eps, 0)
        ),
        "x.mean(-1) and x.var(-1) lost the last axis, and do not fit to x any more; keepdims=True keeps it": (
            lambda x, weight, bias, *, eps=1e-6: _without_keepdims(x, weight, bias, eps, -1)
        ),
        "axis 1 is the last one only where there are two; write axis -1": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, axis=1)
        ),
        "mean(x²) - mean(x)² is the variance on paper; where the mean is large, digits are lost: take x - mean "
        "first": lambda x, weight, bias, *, eps=1e-6: _forward(
            x, weight, bias, eps=eps, rstd=1 / np.sqrt((x * x).mean(-1, keepdims=True) - _mean(x) ** 2 + eps)
        ),
        "you took the sum of x off; it is the mean that is taken off": (
            lambda x, weight, bias, *, eps=1e-6: _sum_taken_off(x, weight, bias, eps)
        ),
        "saved must hold x_hat as it is before weight and bias": _saves_y,
        "eps is given: it is not always 1e-5": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=1e-5)
        ),
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
        "brackets: rstd multiplies the difference, (x - mean) * rstd": _only_mean_scaled,
        "bias is missing at the end": _without_bias,
        "std is the square root of the variance already; the root was taken twice": (
            lambda x, weight, bias, *, eps=1e-6: _forward(
                x, weight, bias, eps=eps, rstd=1 / np.sqrt(x.std(-1, keepdims=True) + eps)
            )
        ),
        "eps belongs inside the square root, beside the variance; here it is added to rstd": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=eps, rstd=1 / np.sqrt(_var(x)) + eps)
        ),
        "eps is given: it is not always 1e-6": (
            lambda x, weight, bias, *, eps=1e-6: _forward(x, weight, bias, eps=1e-6)
        ),
    },
)
