# mypy: disable-error-code="no-untyped-def"
"""Lesson 20, how many directions features use, and a loss that keeps them apart."""

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
    for n, D in ((9, 4), (5, 7), (30, 3), (12, 1), (20, 6)):
        mixing = rng.standard_normal((D, D)) * np.exp(rng.uniform(-1, 1, D))
        yield Case((rng.standard_normal((n, D)) @ mixing + 3 * rng.standard_normal(D),))
    rows = rng.standard_normal((3, 5))
    yield Case((np.concatenate([rows, rows, rows[:1]]),))


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
        "the shares do not add up to 1: divide by the sum of the variances": (
            lambda features: _rank(features, shares=lambda v: v / v.max())
        ),
    },
)

# --- 20.6 ---


def variance_and_covariance(z, *, eps=1e-4):
    return _both(z, eps=eps)


def _pieces(z, eps):
    n, D = z.shape
    c = z - z.mean(axis=0)
    C = c.T @ c / n
    return n, D, c, C, np.sqrt(np.diag(C) + eps)


def _both(z, *, eps, hinge=True, diagonal=False, variance=1, covariance=4, gradient_hinge=True, root=True):
    n, D, c, C, std = _pieces(z, eps)
    off = C if diagonal else C - np.diag(np.diag(C))
    gap = np.maximum(0, 1 - std) if hinge else 1 - std
    short = (std < 1) if gradient_hinge else 1.0
    dz = covariance * c @ off / (D * n) - variance * short * c / (D * n * (std if root else 1.0))
    return gap.mean() + (off * off).sum() / D, dz


def _z_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, D, size in ((7, 4, 1.0), (5, 3, 0.4), (3, 5, 1.2), (9, 2, 0.8), (6, 1, 0.5)):
        sizes = size * np.exp(rng.uniform(-0.6, 0.6, D))
        if D > 2:
            sizes[:2] = 0.3, 3.0
        z = rng.standard_normal((n, D)) @ (np.eye(D) + 0.5 * rng.standard_normal((D, D)))
        z = (z - z.mean(axis=0)) / z.std(axis=0) * sizes
        yield Case((z + rng.standard_normal(D),), {"eps": float(rng.uniform(0.001, 0.01))})
    yield Case((0.05 * rng.standard_normal((8, 3)),))


add(
    "20.6",
    variance_and_covariance,
    _z_cases,
    outputs=("loss", "dz"),
    mistakes={
        "max(0, ...) is missing in the loss: a standard deviation above 1 costs nothing": (
            lambda z, *, eps=1e-4: _both(z, eps=eps, hinge=False)
        ),
        "a number whose standard deviation is above 1 still has a gradient from the first term; max has none there": (
            lambda z, *, eps=1e-4: _both(z, eps=eps, gradient_hinge=False)
        ),
        "the diagonal of C was counted; the second term is about pairs of two numbers": (
            lambda z, *, eps=1e-4: _both(z, eps=eps, diagonal=True)
        ),
        "of the second term's gradient half is there: z stands twice in C, and the square has its own factor 2": (
            lambda z, *, eps=1e-4: _both(z, eps=eps, covariance=2)
        ),
        "the first term's gradient is twice too large: the 2 of the square and the 1/2 of the root cancel": (
            lambda z, *, eps=1e-4: _both(z, eps=eps, variance=2)
        ),
        "the sign of the first term's gradient: a larger spread makes the loss smaller": (
            lambda z, *, eps=1e-4: _both(z, eps=eps, variance=-1)
        ),
        "the root's derivative has the standard deviation below the line; it is missing": (
            lambda z, *, eps=1e-4: _both(z, eps=eps, root=False)
        ),
        "dz is of the second term alone": lambda z, *, eps=1e-4: _both(z, eps=eps, variance=0),
        "dz is of the first term alone": lambda z, *, eps=1e-4: _both(z, eps=eps, covariance=0),
        "eps was left out, or another taken: use the one that is given": (lambda z, *, eps=1e-4: _both(z, eps=0.0)),
    },
)
