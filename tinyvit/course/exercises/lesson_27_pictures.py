# mypy: disable-error-code="no-untyped-def"
"""Lesson 27, principal components of filters, and the gradient of the mean attention distance."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, NotAskedFor, add

# --- 27.2 ---


def filter_components(weight, count):
    return _components(weight, count)


def _components(weight, count, *, rows=np.transpose, centre=lambda rows: rows.mean(axis=0), power=2, over=None):
    filters = rows(weight)
    filters = filters - centre(filters)
    _, values, components = np.linalg.svd(filters, full_matrices=False)
    shares = values**power / (values[:over] ** power).sum()
    return components[:count], shares[:count]


def _with_one_sign(result):
    """Components turned so that the largest number of each is positive: a learner's may have either sign."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise NotAskedFor("return two things: the components and their shares")
    components, shares = result
    if not isinstance(components, np.ndarray) or components.ndim != 2 or not components.size:
        return result
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    return components * np.sign(largest), shares


def _filters(rng: np.random.Generator) -> Iterator[Case]:
    for S, D, count in ((4, 9, 3), (6, 6, 2), (9, 20, 9), (5, 7, 1), (int(rng.integers(7, 12)), 6, 3)):
        basis = np.linalg.qr(rng.standard_normal((S, S)))[0]
        sizes = 1.5 ** -np.arange(S)  # clearly apart, so that no order is left to rounding
        mixed = np.linalg.qr(rng.standard_normal((D, D)))[0][:, : min(S, D)]
        weight = basis[:, : mixed.shape[1]] * sizes[: mixed.shape[1]] @ mixed.T
        yield Case((weight + rng.standard_normal((S, 1)), count))


def _columns(weight, count):
    filters = weight.T - weight.T.mean(axis=0)
    left, values, _ = np.linalg.svd(filters, full_matrices=False)
    return left[:, :count].T, (values**2 / (values**2).sum())[:count]


def _last(weight, count):
    filters = weight.T - weight.T.mean(axis=0)
    _, values, components = np.linalg.svd(filters, full_matrices=False)
    return components[::-1][:count], (values**2 / (values**2).sum())[::-1][:count]


def _scaled(weight, count):
    components, shares = _components(weight, count)
    filters = weight.T - weight.T.mean(axis=0)
    return components * np.linalg.svd(filters, compute_uv=False)[:count, None], shares


add(
    "27.2",
    filter_components,
    _filters,
    outputs=("components", "shares"),
    summary=_with_one_sign,
    mistakes={
        "the mean filter was not taken off": lambda w, count: _components(w, count, centre=lambda rows: 0.0),
        "each filter's own mean was taken off; take off the mean of all filters": (
            lambda w, count: _components(w, count, centre=lambda rows: rows.mean(axis=1, keepdims=True))
        ),
        "one number was taken off, the mean of all; take off the mean filter, a mean for each pixel": (
            lambda w, count: _components(w, count, centre=np.mean)
        ),
        "the filters are the columns of weight: turn it round first": (
            lambda w, count: _components(w, count, rows=np.asarray)
        ),
        "the shares are of squares of the singular values": lambda w, count: _components(w, count, power=1),
        "the shares are of all components, and not of the first ones alone": (
            lambda w, count: (_components(w, count)[0], _shares_among(w, count))
        ),
        "those are the columns of the first array of svd; the components are the rows of the third": _columns,
        "those are the last components, the ones with the smallest share": _last,
        "each component has the length 1; the singular value does not belong into it": _scaled,
        "those are all components; return the first count": lambda w, count: _components(w, None),
        "those are the squares of the singular values; divide by their sum": (
            lambda w, count: (
                _components(w, count)[0],
                np.linalg.svd(w.T - w.T.mean(axis=0), compute_uv=False)[:count] ** 2,
            )
        ),
    },
)


def _shares_among(weight, count):
    shares = _components(weight, count)[1]
    return shares / shares.sum()


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
        "one factor q is missing in front of (t - m)": (
            lambda d, w, t: _dscores(d, w, t, shares=_softmax_over_patches) / np.where(w == 0, 1, _all_shares(w))
        ),
    },
)


def _all_shares(weights):
    return np.pad(_softmax_over_patches(weights), ((0, 0), (0, 0), (1, 0), (1, 0)), constant_values=1.0)
