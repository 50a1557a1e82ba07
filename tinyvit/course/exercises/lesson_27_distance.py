# mypy: disable-error-code="no-untyped-def"
"""Lesson 27, the gradient of the mean attention distance."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 27.3 ---


def attention_distance_backward(ddistance, weights, table):
    return _dscores(ddistance, weights, table)


def _softmax_over_patches(weights):
    shares = weights[:, :, 1:, 1:]
    return shares / shares.sum(axis=-1, keepdims=True)


def _row_means(shares, table):
    return (shares * table).sum(axis=-1, keepdims=True)


def _dscores(ddistance, weights, table, *, shares=_softmax_over_patches, mean=_row_means, sign=1.0, count=None):
    B, _, N, _ = weights.shape
    q = shares(weights)
    dscores = np.zeros_like(weights)
    inner = ddistance[:, None, None] * q * (table - mean(q, table)) * sign
    dscores[:, :, 1:, 1:] = inner / (B * (N - 1) if count is None else count(B, N))
    return dscores


def _attentions(rng: np.random.Generator) -> Iterator[Case]:
    for B, h, rows, columns in ((2, 3, 2, 3), (1, 2, 3, 2), (3, 1, 2, 2), (2, 4, 1, int(rng.integers(3, 6)))):
        place = np.arange(rows * columns)
        down, across = (f(place[:, None], columns) - f(place, columns) for f in (np.floor_divide, np.remainder))
        weights = np.exp(1.5 * rng.standard_normal((B, h, len(place) + 1, len(place) + 1)))
        table = float(rng.uniform(2, 5)) * np.hypot(down, across)
        yield Case((rng.standard_normal(h), weights / weights.sum(axis=-1, keepdims=True), table))


def _with_class_column(ddistance, weights, table):
    """The gradient of the sum over patches of a_ij t_ij, not divided by what the class token leaves."""
    padded = np.pad(table, ((1, 0), (1, 0)))
    mean = (weights * padded).sum(axis=-1, keepdims=True)
    B, _, N, _ = weights.shape
    dscores = ddistance[:, None, None] * weights * (padded - mean) / (B * (N - 1))
    dscores[:, :, 0] = 0.0
    return dscores


def _fixed_sums(ddistance, weights, table):
    """The sum of a row, which its shares are divided by, taken for a number that does not change."""
    sums = weights[:, :, 1:, 1:].sum(axis=-1, keepdims=True)
    dweights = np.zeros_like(weights)
    dweights[:, :, 1:, 1:] = ddistance[:, None, None] * table / sums / (len(weights) * len(table))
    return weights * (dweights - (weights * dweights).sum(axis=-1, keepdims=True))


def _by_attention(ddistance, weights, table):
    """The gradient by the weights, without the softmax before them."""
    dweights = _dscores(ddistance, weights, table)
    return np.divide(dweights, weights, out=dweights, where=dweights != 0)


def _diagonal(ddistance, weights, table):
    return _dscores(ddistance, weights, table, mean=lambda q, t: q * t)


def _class_token_last(ddistance, weights, table):
    return _dscores(ddistance, weights[:, :, ::-1, ::-1], table[::-1, ::-1])[:, :, ::-1, ::-1]


def _factor_late(ddistance, weights, table):
    q = _softmax_over_patches(weights)
    dscores = np.zeros_like(weights)
    dscores[:, :, 1:, 1:] = ddistance[:, None, None] * (q * table - _row_means(q, table)) / (len(q) * len(table))
    return dscores


def _by_weights(ddistance, weights, table):
    dshares = np.zeros_like(weights)
    B, _, N, _ = weights.shape
    dshares[:, :, 1:, 1:] = ddistance[:, None, None] * table / (B * (N - 1))
    return dshares


add(
    "27.3",
    attention_distance_backward,
    _attentions,
    outputs=("dscores",),
    not_to_call=("softmax_backward",),
    mistakes={
        "without the class token a row does not add up to 1: divide by its new sum first": (
            lambda d, w, t: _dscores(d, w, t, shares=lambda w: w[:, :, 1:, 1:])
        ),
        "you divided by the sums of the columns; it is the rows that must add up to 1": (
            lambda d, w, t: _dscores(d, w, t, shares=lambda w: w[:, :, 1:, 1:] / w[:, :, 1:, 1:].sum(-2, keepdims=True))
        ),
        "the row's own mean distance is missing: further than the mean is +, nearer is -": (
            lambda d, w, t: _dscores(d, w, t, mean=lambda q, t: 0.0)
        ),
        "the mean over the patches j counts each alike; the row's distance is the sum of q t": (
            lambda d, w, t: _dscores(d, w, t, mean=lambda q, t: t.mean(axis=-1, keepdims=True))
        ),
        "the mean of q t is not the row's distance: q are shares already, so add up": (
            lambda d, w, t: _dscores(d, w, t, mean=lambda q, t: (q * t).mean(axis=-1, keepdims=True))
        ),
        "each row has a distance of its own; yours is that of the whole head": (
            lambda d, w, t: _dscores(d, w, t, mean=lambda q, t: (q * t).sum(-1).mean(axis=-1)[..., None, None])
        ),
        "the sign: t - m, and not m - t": lambda d, w, t: _dscores(d, w, t, sign=-1.0),
        "the distance is a mean over the L patches and the B images: divide by B L": (
            lambda d, w, t: _dscores(d, w, t, count=lambda B, N: 1)
        ),
        "divide by the number of images, too": lambda d, w, t: _dscores(d, w, t, count=lambda B, N: N - 1),
        "divide by the number of patches, too": lambda d, w, t: _dscores(d, w, t, count=lambda B, N: B),
        "there are L = N - 1 rows in the mean: the class token's row is left out": (
            lambda d, w, t: _dscores(d, w, t, count=lambda B, N: B * N)
        ),
        "each head has its own ddistance: the gradient of the loss comes in": (
            lambda d, w, t: _dscores(np.ones_like(d), w, t)
        ),
        "the class token's column was left in the row's sum: it has no part in the distance": _with_class_column,
        "that is the gradient by the shares; softmax comes before them": _by_weights,
        "dscores has the class token's row and column, too, filled with zeros": (
            lambda d, w, t: _dscores(d, w, t)[:, :, 1:, 1:]
        ),
        "the sum of a row, which its weights are divided by, depends on the scores, too": _fixed_sums,
        "that is the gradient by the attention weights; by the scores there is one factor more, the weight": (
            _by_attention
        ),
        "that is how a share depends on its own score; the other shares of the row change as well: t - m": _diagonal,
        "the class token is the first row and column, not the last": _class_token_last,
        "q stands in front of both: q (t - m), not q t - m": _factor_late,
        "in front of t - m stands the share among patches, q, and not the weight that left the class token its part": (
            lambda d, w, t: (
                _dscores(d, w, t)
                * np.pad(w[:, :, 1:, 1:].sum(-1, keepdims=True), ((0, 0), (0, 0), (1, 0), (0, 0)), constant_values=1.0)
            )
        ),
        "the mean distance of a row adds up along its last axis": (
            lambda d, w, t: _dscores(d, w, t, mean=lambda q, t: (q * t).sum(axis=-2, keepdims=True))
        ),
        "divide by L once: each row has one distance": (
            lambda d, w, t: _dscores(d, w, t, count=lambda B, N: B * (N - 1) ** 2)
        ),
        "each head has a distance of its own: nothing is averaged over the heads": (
            lambda d, w, t: _dscores(d, w, t) / len(d)
        ),
        "one factor q is missing in front of (t - m)": (
            lambda d, w, t: _dscores(d, w, t, shares=_softmax_over_patches) / np.where(w == 0, 1, _all_shares(w))
        ),
    },
)


def _all_shares(weights):
    return np.pad(_softmax_over_patches(weights), ((0, 0), (0, 0), (1, 0), (1, 0)), constant_values=1.0)
