# mypy: disable-error-code="no-untyped-def"
"""Lesson 7, attention with one head."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, NotAskedFor, add


def _softmax(x, axis=-1):
    y = np.exp(x - x.max(axis, keepdims=True))
    return y / y.sum(axis, keepdims=True)


# --- 7.1 ---


def attention_one_head(q, k, v):
    return _attend(q, k, v, 1 / np.sqrt(q.shape[-1]))


def _attend(q, k, v, scale, *, axis=-1, transposed=False):
    weights = _softmax(q @ k.swapaxes(1, 2) * scale, axis)
    return (weights.swapaxes(1, 2) if transposed else weights) @ v, weights


def _weights_first(result):
    """Where both are wrong, the mistake is in the weights."""
    parts = result if isinstance(result, tuple | list) else [result]
    if len(parts) != 2:
        raise NotAskedFor(f"it returned {len(parts)} thing{'s' * (len(parts) != 1)}, wanted 2: y, weights")
    return parts[1], parts[0]


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    free = (int(rng.integers(2, 4)), int(rng.integers(4, 8)), int(rng.integers(8, 12)))
    # N, d and d² all differ, so that no mistake looks like another.
    for B, N, d in ((2, 5, 3), (3, 4, 7), free, (1, 4, 6), (3, 1, 2), (2, 3, 1)):
        q, k, v = rng.standard_normal((3, B, N, d))
        yield Case((q, k, v))
    yield Case((40 * q, 40 * k, v))  # huge scores


def _scale(q):
    return 1 / np.sqrt(q.shape[-1])


def _overflows(q, k, v):
    with np.errstate(all="ignore"):
        e = np.exp(q @ k.swapaxes(1, 2) * _scale(q))
        weights = e / e.sum(-1, keepdims=True)
        return weights @ v, weights


def _no_softmax(q, k, v):
    weights = q @ k.swapaxes(1, 2) * _scale(q)
    return weights @ v, weights


def _scaled_late(q, k, v):
    weights = _softmax(q @ k.swapaxes(1, 2)) * _scale(q)
    return weights @ v, weights


def _y_scaled(q, k, v):
    y, weights = _attend(q, k, v, 1.0)
    return y * _scale(q), weights


def _reshaped(q, k, v):
    weights = _softmax(q @ k.reshape(len(k), k.shape[2], k.shape[1]) * _scale(q))
    return weights @ v, weights


def _not_divided(q, k, v):
    weights = np.exp(q @ k.swapaxes(1, 2) * _scale(q))
    return weights @ v, weights


def _of_scores(q, k, v, scores):
    weights = _softmax(scores)
    return weights @ v, weights


def _scores_averaged(q, k, v):
    scores = q @ k.swapaxes(1, 2) * _scale(q)
    return scores @ v, _softmax(scores)


def _down(q, k, v):
    """Each column divided by its sum, the largest score of all taken off."""
    scores = q @ k.swapaxes(1, 2) * _scale(q)
    weights = np.exp(scores - scores.max())
    weights = weights / weights.sum(1, keepdims=True)
    return weights @ v, weights


def _directions(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _one_to_one(q, k, v):
    weights = _softmax((q * k).sum(-1) * _scale(q))
    return weights[..., None] * v, weights


add(
    "7.1",
    attention_one_head,
    _cases,
    outputs=("weights", "y"),
    mistakes={
        "exp overflows where the scores are huge: take off each row's maximum first": _overflows,
        "it returned one thing; return two: y, weights": lambda q, k, v: _attend(q, k, v, _scale(q))[0],
        "both are right, their order is not: return y, weights": lambda q, k, v: _attend(q, k, v, _scale(q))[::-1],
        "the scores were not divided by sqrt(d)": lambda q, k, v: _attend(q, k, v, 1.0),
        "you divided the scores by d; it is the square root of d": (lambda q, k, v: _attend(q, k, v, 1 / q.shape[-1])),
        "you multiplied the scores by sqrt(d); they are divided by it": (
            lambda q, k, v: _attend(q, k, v, np.sqrt(q.shape[-1]))
        ),
        "you divided by the root of the number of tokens; d is the length of a query, q.shape[-1]": (
            lambda q, k, v: _attend(q, k, v, 1 / np.sqrt(q.shape[1]))
        ),
        "softmax ran over the tokens that ask; it runs over the tokens that answer, the last axis, so that a row adds "
        "up to 1": lambda q, k, v: _attend(q, k, v, _scale(q), axis=1),
        "softmax ran over all scores of an image at once; every row, every asking token, has its own": (
            lambda q, k, v: _attend(q, k, v, _scale(q), axis=(1, 2))
        ),
        "exp of the scores was divided by the sum over the whole batch; every row, every asking token, has its own": (
            lambda q, k, v: _attend(q, k, v, _scale(q), axis=(0, 1, 2))
        ),
        "k.reshape moves nothing, so the numbers are in the wrong places (lesson 1); k.swapaxes(1, 2) transposes": (
            _reshaped
        ),
        "the scores are k qᵀ; rows are the tokens that ask, so they are q kᵀ": (
            lambda q, k, v: _attend(k, q, v, _scale(q))
        ),
        "softmax is missing between scores and weights": _no_softmax,
        "you took exp of the scores, but did not divide each row by its sum": _not_divided,
        "the scores are divided by sqrt(d) before softmax, not after it": _scaled_late,
        "you divided y by sqrt(d); the scores are divided, before softmax": _y_scaled,
        "you transposed the weights before the last product: y = weights @ v": (
            lambda q, k, v: _attend(q, k, v, _scale(q), transposed=True)
        ),
        "you averaged the keys; what a token takes home are the values: y = weights @ v": (
            lambda q, k, v: _attend(q, k, k, _scale(q))
        ),
        "you averaged the queries; what a token takes home are the values: y = weights @ v": (
            lambda q, k, v: _attend(q, k, q, _scale(q))
        ),
        "you averaged with the scores; y = weights @ v": _scores_averaged,
        "you divided by the root of the batch's size; d is the length of a query, q.shape[-1]": (
            lambda q, k, v: _attend(q, k, v, 1 / np.sqrt(len(q)))
        ),
        "exp of the scores was divided by the sum of its column; softmax runs over the last axis, so that rows add up "
        "to 1": _down,
        "the scores are dot products of q and k as they are, divided by sqrt(d), and not of their directions alone": (
            lambda q, k, v: _of_scores(q, k, v, _directions(q) @ _directions(k).swapaxes(1, 2))
        ),
        "queries were compared with queries; a score is a query times a key": lambda q, k, v: _attend(
            q, q, v, _scale(q)
        ),
        "query i met key i alone; each query meets all keys, q @ k.swapaxes(1, 2), which gives (B, N, N)": _one_to_one,
    },
    summary=_weights_first,
    not_to_call=("attention",),
)
