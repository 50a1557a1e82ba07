# mypy: disable-error-code="no-untyped-def"
"""Lesson 27, principal components of filters."""

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


def _of_eigh(weight, count, *, rows, turned=False):
    """By the eigenvectors of the covariance, which `rows` makes rows of; the smallest eigenvalue comes first."""
    filters = weight.T - weight.T.mean(axis=0)
    values, vectors = np.linalg.eigh(filters.T @ filters)
    values = values[::-1] if turned else values
    return rows(vectors)[:count], (values / values.sum())[:count]


def _of_cov(weight, count):
    values, vectors = np.linalg.eigh(np.cov(weight.T))
    return vectors[:, ::-1].T[:count], (values[::-1] / values.sum())[:count]


def _standardised(weight, count):
    return _components((weight.T / weight.std(axis=1)).T, count)


def _doubly_centred(weight, count):
    return _components(weight - weight.mean(axis=0), count)


def _columns_of_third(weight, count):
    _, shares = _components(weight, count)
    third = _components(weight, None)[0]
    return third[:, :count].T, shares


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
        "np.linalg.eigh gives the smallest first: turn both round": (
            lambda w, count: _of_eigh(w, count, rows=np.transpose)
        ),
        "np.linalg.eigh has the components in the columns of its second array, not in the rows": (
            lambda w, count: _of_eigh(w, count, rows=np.flipud, turned=True)
        ),
        "np.cov takes each row for one variable, here a pixel: np.cov(weight)": _of_cov,
        "each pixel was divided by its spread; the components are those of the filters as they are": _standardised,
        "each filter's own mean was taken off, too; take off the mean of all filters alone": _doubly_centred,
        "the shares were added up; each component has its own": (
            lambda w, count: (_components(w, count)[0], np.cumsum(_components(w, count)[1]))
        ),
        "the components are the rows of the third array of svd, not its columns": _columns_of_third,
        "each component is a row: (count, S), not (S, count)": (
            lambda w, count: (_components(w, count)[0].T, _components(w, count)[1])
        ),
        "those are variances along the components; divide by the sum of all": (
            lambda w, count: (
                _components(w, count)[0],
                np.linalg.svd(w.T - w.T.mean(axis=0), compute_uv=False)[:count] ** 2 / (w.shape[1] - 1),
            )
        ),
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
