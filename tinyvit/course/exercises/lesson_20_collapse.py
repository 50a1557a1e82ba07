# mypy: disable-error-code="no-untyped-def"
"""Lesson 20, a loss that keeps features apart."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

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
    short=lambda s: s < 1,
    root=True,
    of=lambda z, c: c,
):
    n, D = z.shape
    c = z - centre(z)
    C = c.T @ c / count(n)
    s, off = std(np.diag(C), eps), others(C)
    gap = np.maximum(0, 1 - s) if hinge else 1 - s
    dz = covariance * of(z, c) @ off / (D * n) - variance * short(s) * of(z, c) / (D * n * (s if root else 1.0))
    return first(gap) + second(off), dz


def _of_the_loss(**options):
    """The right loss, with another gradient."""
    return lambda z, *, eps=1e-4: (_both(z, eps=eps)[0], _both(z, eps=eps, **options)[1])


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
            _other(short=lambda s: 1.0)
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
        "the loss is right, and dz has the diagonal of C in it; the second term's gradient has zeros there": (
            _of_the_loss(others=lambda C: C)
        ),
        "the loss is right, and dz has the gap 1 - s in it; max(0, 1 - s) has the slope -1 where s < 1": (
            _of_the_loss(short=lambda s: np.maximum(0, 1 - s))
        ),
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
