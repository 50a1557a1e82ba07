# mypy: disable-error-code="no-untyped-def"
"""Lesson 8, attention's backward."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 8.1 ---


def attention_one_head_backward(dy, saved):
    return _backward(dy, saved)


def _softmax_backward(dy, y, axis=-1):
    return y * (dy - (dy * y).sum(axis, keepdims=True))


def _backward(dy, saved, *, softmax=_softmax_backward, scale_q=True, scale_k=True, turned=False):
    q, k, v, weights = saved
    dscores = softmax(v @ dy.swapaxes(1, 2) if turned else dy @ v.swapaxes(1, 2), weights)
    scale = 1 / np.sqrt(q.shape[-1])
    dq = dscores @ k * (scale if scale_q else 1.0)
    dk = dscores.swapaxes(1, 2) @ q * (scale if scale_k else 1.0)
    return dq, dk, weights.swapaxes(1, 2) @ dy


def _weights(q, k):
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    free = (int(rng.integers(2, 4)), int(rng.integers(4, 8)), int(rng.integers(8, 12)))
    for shape in ((2, 5, 3), (3, 4, 7), free, (1, 4, 6), (2, 3, 1), (2, 1, 4)):
        q, k, v, dy = rng.standard_normal((4, *shape))
        yield Case((dy, (q, k, v, _weights(q, k))))


def _dv_not_transposed(dy, saved):
    dq, dk, _ = _backward(dy, saved)
    return dq, dk, saved[3] @ dy


def _dk_not_transposed(dy, saved):
    q, _, v, weights = saved
    dscores = _softmax_backward(dy @ v.swapaxes(1, 2), weights)
    dq, _, dv = _backward(dy, saved)
    return dq, dscores @ q / np.sqrt(q.shape[-1]), dv


def _dq_transposed(dy, saved):
    q, k, v, weights = saved
    dscores = _softmax_backward(dy @ v.swapaxes(1, 2), weights)
    return dscores.swapaxes(1, 2) @ k / np.sqrt(q.shape[-1]), *_backward(dy, saved)[1:]


def _neither_transposed(dy, saved):
    q, _, v, weights = saved
    dscores = _softmax_backward(dy @ v.swapaxes(1, 2), weights)
    return _backward(dy, saved)[0], dscores @ q / np.sqrt(q.shape[-1]), weights @ dy


def _weights_for_dscores(dy, saved):
    q, k, _, weights = saved
    return weights @ k, weights.swapaxes(1, 2) @ q, weights.swapaxes(1, 2) @ dy


def _q_for_k(dy, saved):
    q, k, v, weights = saved
    return _backward(dy, (k, q, v, weights))


add(
    "8.1",
    attention_one_head_backward,
    _backward_cases,
    outputs=("dq", "dk", "dv"),
    mistakes={
        "you took the mean of dweights * weights; a row of weights adds up to 1, so their sum is the average already": (
            lambda dy, saved: _backward(dy, saved, softmax=lambda dw, w: w * (dw - (dw * w).mean(-1, keepdims=True)))
        ),
        "the factor weights in front is missing: dscores = weights * (dweights - ...)": (
            lambda dy, saved: _backward(dy, saved, softmax=lambda dw, w: dw - (dw * w).sum(-1, keepdims=True))
        ),
        "1/sqrt(d) is missing in dq and dk: the scores were divided by it, so their gradients are too": (
            lambda dy, saved: _backward(dy, saved, scale_q=False, scale_k=False)
        ),
        "1/sqrt(d) is missing in dk": lambda dy, saved: _backward(dy, saved, scale_k=False),
        "1/sqrt(d) is missing in dq": lambda dy, saved: _backward(dy, saved, scale_q=False),
        "the step back through softmax is missing: dweights is not dscores yet": (
            lambda dy, saved: _backward(dy, saved, softmax=lambda dw, w: dw)
        ),
        "softmax's backward needs the sum too: dscores = weights * (dweights - sum of dweights * weights)": (
            lambda dy, saved: _backward(dy, saved, softmax=lambda dw, w: dw * w)
        ),
        "softmax's backward takes the weighted mean away, the sum of dweights * weights, and not the plain mean": (
            lambda dy, saved: _backward(dy, saved, softmax=lambda dw, w: w * (dw - dw.mean(-1, keepdims=True)))
        ),
        "you took weights * (1 - weights) only: every weight of a row also depends on the row's other scores": (
            lambda dy, saved: _backward(dy, saved, softmax=lambda dw, w: dw * w * (1 - w))
        ),
        "ops.softmax_backward takes what the forward saved, not an array: wrap it, ops.SoftmaxSaved(weights)": (
            lambda dy, saved: saved[3].y
        ),
        "dweights is v dyᵀ; rows are the tokens that ask, so it is dy vᵀ": (
            lambda dy, saved: _backward(dy, saved, turned=True)
        ),
        "the sum in softmax's backward ran over the wrong axis; a row of weights is the last axis": (
            lambda dy, saved: _backward(dy, saved, softmax=lambda dw, w: _softmax_backward(dw, w, 1))
        ),
        "dv needs the weights transposed: value j gets back from every token i that took from it": _dv_not_transposed,
        "dk needs dscores transposed: key j gets back from every token i that looked at it": _dk_not_transposed,
        "dq takes dscores as they are: query i gets back from every token j that it looked at": _dq_transposed,
        "q and k changed places: dq is made with k, and dk with q": _q_for_k,
        "the order is dq, dk, dv": lambda dy, saved: _backward(dy, saved)[::-1],
        "dv and dk need a transpose: key and value j get back from every token i, weights.swapaxes(1, 2) @ dy and "
        "dscores.swapaxes(1, 2) @ q": _neither_transposed,
        "dq and dk are made of dscores, and not of the weights": _weights_for_dscores,
        "you divided by the root of the number of tokens; d is the length of a query, q.shape[-1]": lambda dy, saved: (
            *(grad * np.sqrt(dy.shape[-1] / dy.shape[1]) for grad in _backward(dy, saved)[:2]),
            _backward(dy, saved)[2],
        ),
    },
    not_to_call=("attention",),
)
