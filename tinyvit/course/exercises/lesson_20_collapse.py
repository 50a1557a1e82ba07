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
    for n, D in ((9, 4), (30, 3), (12, 2), (20, 6), (5, 7)):
        mixing = rng.standard_normal((D, D)) * np.exp(rng.uniform(-1, 1, D))
        features = rng.standard_normal((n, D)) @ mixing + 3 * rng.standard_normal(D)
        yield Case((features,), by_chance=n <= D)  # a variance of 0 comes out a little above or below it
    rows = rng.standard_normal((3, 5))
    yield Case((np.concatenate([rows, rows, rows[:1]]),), by_chance=True)
    still = rng.standard_normal((8, 3))
    still[:, 2] = 2.0  # a number that is the same in all images: its eigenvalue is 0
    yield Case((still,), by_chance=True)


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

# --- 20.6 ---


def variance_and_covariance(z, *, eps=1e-4):
    return _both(z, eps=eps)


def _both(
    z,
    *,
    eps,
    centre=lambda z: z.mean(axis=0),
    count=lambda n: n,
    std=lambda variance, eps: np.sqrt(variance + eps),
    hinge=True,
    others=lambda C: C - np.diag(np.diag(C)),
    first=np.mean,
    second=lambda off: (off * off).sum() / len(off),
    variance=1,
    covariance=4,
    gradient_hinge=True,
    root=True,
    of=lambda z, c: c,
):
    n, D = z.shape
    c = z - centre(z)
    C = c.T @ c / count(n)
    s, off = std(np.diag(C), eps), others(C)
    gap = np.maximum(0, 1 - s) if hinge else 1 - s
    short = (s < 1) if gradient_hinge else 1.0
    dz = covariance * of(z, c) @ off / (D * n) - variance * short * of(z, c) / (D * n * (s if root else 1.0))
    return first(gap) + second(off), dz


def _other(**options):
    return lambda z, *, eps=1e-4: _both(z, eps=eps, **options)


def _z_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, D, size in ((7, 4, 1.0), (5, 3, 0.4), (3, 5, 1.2), (9, 2, 0.8), (6, 2, 0.5)):
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
        "max(0, ...) is missing in the loss: a standard deviation above 1 costs nothing": _other(hinge=False),
        "a number whose standard deviation is above 1 still has a gradient from the first term; max has none there": (
            _other(gradient_hinge=False)
        ),
        "the diagonal of C was counted; the second term is about pairs of two numbers": _other(others=lambda C: C),
        "np.diag(C) is a row, which was taken off every row of C; np.diag of it is the matrix: np.diag(np.diag(C))": (
            _other(others=lambda C: C - np.diag(C))
        ),
        "of the second term's gradient half is there: z stands twice in C, and the square has its own factor 2": (
            _other(covariance=2)
        ),
        "the sign of the second term's gradient: it is added": _other(covariance=-4),
        "the first term's gradient is twice too large: the 2 of the square and the 1/2 of the root cancel": (
            _other(variance=2)
        ),
        "the sign of the first term's gradient: a larger spread makes the loss smaller": _other(variance=-1),
        "the root's derivative has the standard deviation below the line; it is missing": _other(root=False),
        "dz is of the second term alone": _other(variance=0),
        "dz is of the first term alone": _other(covariance=0),
        "dz was made with z; C is made of c, from which the mean is taken off": _other(of=lambda z, c: z),
        "the mean of z was not taken off": _other(centre=lambda z: 0.0),
        "the mean of each image was taken off; take off each column's, the mean over the images": (
            _other(centre=lambda z: z.mean(axis=1, keepdims=True))
        ),
        "C was divided by n - 1, as np.cov does; here it is n": _other(count=lambda n: n - 1),
        "the variance was divided by n - 1, and C by n; both have n": lambda z, *, eps=1e-4: _both(
            z, eps=eps, std=lambda variance, eps: np.sqrt(variance * len(z) / (len(z) - 1) + eps)
        ),
        "eps stands under the root": _other(std=lambda variance, eps: np.sqrt(variance) + eps),
        "the variance was compared with 1; asked is its root, the standard deviation": _other(
            std=lambda variance, eps: variance + eps
        ),
        "the first term is a mean over the D numbers, and not a sum": lambda z, *, eps=1e-4: (
            _both(z, eps=eps, first=np.sum)[0],
            _both(z, eps=eps, variance=z.shape[1])[1],
        ),
        "the second term is a sum, divided by D once; a mean divides by D twice": lambda z, *, eps=1e-4: (
            _both(z, eps=eps, second=lambda off: (off * off).mean())[0],
            _both(z, eps=eps, covariance=4 / z.shape[1])[1],
        ),
        "each pair was counted once; the sum over i and j has it twice": _other(
            second=lambda off: (off * off).sum() / 2 / len(off)
        ),
        "the square is missing in the second term": _other(second=lambda off: np.abs(off).sum() / len(off)),
        "eps was left out: use the one that is given": lambda z, *, eps=1e-4: _both(z, eps=0.0),
        "1e-4 was taken for eps: use the one that is given": lambda z, *, eps=1e-4: _both(z, eps=1e-4),
    },
)
