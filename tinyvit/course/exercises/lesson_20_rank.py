# mypy: disable-error-code="no-untyped-def"
"""Lesson 20, how many directions features use."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 20.5 ---


def effective_rank(features):
    return _rank(features)


def _variances(features, centre=lambda features: features.mean(axis=0)):
    c = features - centre(features)
    return np.linalg.svd(c, compute_uv=False) ** 2 / len(c)


def _rank(features, *, variances=_variances, shares=lambda v: v / v.sum(), log=np.log, end=np.exp, sign=-1):
    p = shares(np.maximum(variances(features), 0.0))
    p = p[p > 0]
    return float(end(sign * (p * log(p)).sum()))


def _features_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, D in ((9, 4), (30, 3), (12, 2), (20, 6), (5, 7)):
        mixing = rng.standard_normal((D, D)) * np.exp(rng.uniform(-1, 1, D))
        features = rng.standard_normal((n, D)) @ mixing + 3 * rng.standard_normal(D)
        yield Case((features,), by_chance=n <= D)  # a variance of 0 comes out a little above or below it
    rows = rng.standard_normal((3, 5))
    yield Case((np.concatenate([rows, rows, rows[:1]]),), by_chance=True)
    still = rng.standard_normal((8, 3))
    still[:, 2] = 2.0  # a number that is the same in all images: its eigenvalue is 0
    yield Case((still,), by_chance=True)


def _log_of_variances(features):
    v = _variances(features)
    v = v[v > 1e-12]
    return float(np.exp(-(v / v.sum() * np.log(v)).sum()))


def _with_zeros(features):
    v = np.linalg.eigvalsh(np.cov(features.T))
    p = v[v >= 0] / v.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def _mean_of_entropy(features):
    p = np.linalg.eigvalsh(np.cov(features.T))
    p = p[p > 0] / p.sum()
    return float(np.exp(-(p * np.log(p)).mean()))


def _participation(features):
    v = _variances(features)
    return float(v.sum() ** 2 / (v * v).sum())


def _no_logarithm(features):
    c = features - features.mean(axis=0)
    v = np.linalg.eigvalsh(c.T @ c)
    p = v / v.sum()
    with np.errstate(all="ignore"):
        return float(np.exp(-(p * np.log(p)).sum()))


add(
    "20.5",
    effective_rank,
    _features_cases,
    outputs=("rank",),
    mistakes={
        "the mean of the features was not taken off: variances are of what differs from image to image": (
            lambda features: _rank(features, variances=lambda f: _variances(f, centre=lambda f: 0.0))
        ),
        "the mean of each image was taken off; take off each column's, the mean over the images": (
            lambda features: _rank(
                features, variances=lambda f: _variances(f, centre=lambda f: f.mean(axis=1, keepdims=True))
            )
        ),
        "those are standard deviations; the shares are of variances, their squares": (
            lambda features: _rank(features, variances=lambda f: np.sqrt(_variances(f)))
        ),
        "the variances of the D numbers, one by one, do not see that two say the same: take eigenvalues": (
            lambda features: _rank(features, variances=lambda f: f.var(axis=0))
        ),
        "the mean of all numbers was taken off; take off each column's, the mean over the images": (
            lambda features: _rank(features, variances=lambda f: _variances(f, centre=lambda f: f.mean()))
        ),
        "the numbers were brought to one size first; asked is how the features vary as they are": (
            lambda features: _rank(features, variances=lambda f: np.linalg.eigvalsh(np.corrcoef(f.T)))
        ),
        "the eigenvalues were squared; they are variances already": (
            lambda features: _rank(features, variances=lambda f: _variances(f) ** 2)
        ),
        "a mean of p log p was taken; the shares are weights already: a sum": _mean_of_entropy,
        "the rank is e to the entropy, np.exp, and not 2": lambda features: _rank(features, end=np.exp2),
        "that is a share of D; asked is the rank itself": lambda features: _rank(features) / features.shape[1],
        "the variances were divided by their number; shares are parts of their sum": (
            lambda features: _rank(features, shares=lambda v: v / features.shape[1])
        ),
        "the logarithm was taken of the variances; the entropy has that of their shares": _log_of_variances,
        "that is the entropy; the rank is exp of it": lambda features: _rank(features, end=lambda entropy: entropy),
        "the sign: the entropy is minus the sum, for a share's logarithm is negative": (
            lambda features: _rank(features, sign=1)
        ),
        "the entropy is in bits, but exp undoes the natural logarithm, np.log": (
            lambda features: _rank(features, log=np.log2)
        ),
        "that counts the directions, the faintest like the strongest; weigh them by their shares": (
            lambda features: float((_variances(features) > 1e-12).sum())
        ),
        "that is 1 / sum of p * p, the participation ratio, a relative; asked is exp of the entropy": _participation,
        "the variances themselves were taken; of their shares, which add up to 1, it is the entropy": (
            lambda features: _rank(features, shares=lambda v: v)
        ),
        "a share of 0, or of -1e-18, has no logarithm: leave out the shares that are not above 0": _no_logarithm,
        "a share of 0 has no logarithm, and 0 times it is no number: leave out what is not above 0, > and not >=": (
            _with_zeros
        ),
        "the shares do not add up to 1: divide by the sum of the variances": (
            lambda features: _rank(features, shares=lambda v: v / v.max())
        ),
    },
)
