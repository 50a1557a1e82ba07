# mypy: disable-error-code="no-untyped-def"
"""Lesson 26, the gradient of a law of size and data, and the best split of a budget."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 26.4 ---


def law_loss(theta, log_sizes, log_images, log_losses, delta):
    return _law(theta, log_sizes, log_images, log_losses, delta)


def _huber(r, delta):
    return np.where(np.abs(r) <= delta, r * r / 2, delta * (np.abs(r) - delta / 2)).sum()


def _clip(r, delta):
    return np.clip(r, -delta, delta)


def _share(parts):
    return parts / parts.sum(axis=0)


def _law(
    theta,
    log_sizes,
    log_images,
    log_losses,
    delta,
    *,
    loss=_huber,
    slope=_clip,
    shares=_share,
    sign=-1.0,
    times=lambda x: x,
    turned=1.0,
    end=lambda d: d.sum(axis=1),
):
    log_A, alpha, log_B, beta, log_E = theta
    parts = np.exp([log_A - alpha * log_sizes, log_B - beta * log_images, log_E + 0 * log_sizes])
    r = turned * (np.log(parts.sum(axis=0)) - log_losses)
    d = slope(r, delta) * shares(parts)
    dtheta = end(np.stack([d[0], sign * d[0] * times(log_sizes), d[1], sign * d[1] * times(log_images), d[2]]))
    return loss(r, delta), dtheta


def _measured(rng: np.random.Generator) -> Iterator[Case]:
    for count, delta in ((6, 0.05), (1, 0.2), (11, 0.1), (1, 0.01), (int(rng.integers(7, 12)), 0.15), (4, 5.0)):
        theta = np.array([2.0, 0.4, 3.0, 0.5, -1.5]) + 0.3 * rng.standard_normal(5)
        log_sizes, log_images = rng.uniform(2, 7, count), rng.uniform(3, 8, count)
        A, alpha, B, beta, E = theta
        exact = np.log(np.exp(A - alpha * log_sizes) + np.exp(B - beta * log_images) + np.exp(E))
        off = delta * np.where(np.arange(count) % 2, 0.5, 2.0) * np.where(rng.uniform(size=count) < 0.4, -1, 1)
        yield Case((theta, log_sizes, log_images, exact - off * rng.uniform(0.8, 1.2, count), delta))


def _with(**parts):
    return lambda *arguments: _law(*arguments, **parts)


def _reordered(*order):
    def wrong(*arguments):
        loss, dtheta = _law(*arguments)
        return loss, dtheta[list(order)]

    return wrong


def _without_floor(theta, log_sizes, log_images, log_losses, delta):
    return _law(np.array([*theta[:4], -np.inf]), log_sizes, log_images, log_losses, delta)


def _of_E(theta, *rest):
    """The gradient by E, where that by log E is wanted."""
    loss, dtheta = _law(theta, *rest)
    return loss, np.array([*dtheta[:4], dtheta[4] / np.exp(theta[4])])


def _of_A_B_E(theta, *rest):
    loss, dtheta = _law(theta, *rest)
    return loss, dtheta / np.exp([theta[0], 0, theta[2], 0, theta[4]])


def _in_losses(theta, log_sizes, log_images, log_losses, delta):
    """Residuals of the losses in place of their logarithms."""
    parts = np.exp([theta[0] - theta[1] * log_sizes, theta[2] - theta[3] * log_images, theta[4] + 0 * log_sizes])
    r = parts.sum(axis=0) - np.exp(log_losses)
    d = _clip(r, delta) * parts
    return _huber(r, delta), np.array([d[0], -d[0] * log_sizes, d[1], -d[1] * log_images, d[2]]).sum(axis=1)


add(
    "26.4",
    law_loss,
    _measured,
    outputs=("loss", "dtheta"),
    mistakes={
        "α and β stand with a minus in the exponent, so their gradients have one, too": _with(sign=1.0),
        "the gradients of α and β lack ln N and ln D, the inner derivatives": _with(times=np.ones_like),
        "α and β need ln N and ln D, the logarithms; they were taken to be N and D": _with(times=np.exp),
        "each part's gradient is its share of the sum: divide by the sum of the three": _with(shares=lambda p: p),
        "each part's gradient is its share of the sum, not 1": _with(shares=np.ones_like),
        "far away the Huber loss is a line: its slope is cut off at δ": _with(slope=lambda r, delta: r),
        "the slope is r near 0, and δ with the sign of r only far away": _with(
            slope=lambda r, delta: delta * np.sign(r)
        ),
        "far away the slope is δ or -δ, not 1 or -1": _with(
            slope=lambda r, delta: np.where(np.abs(r) <= delta, r, np.sign(r))
        ),
        "far below, the slope is -δ: keep the sign of r": _with(slope=lambda r, delta: np.minimum(np.abs(r), delta)),
        "a residual far below 0 must be cut off, too, at -δ": _with(slope=np.minimum),
        "near 0 the loss is r²/2: the ½ is missing": _with(
            loss=lambda r, delta: np.where(np.abs(r) <= delta, r * r, delta * (np.abs(r) - delta / 2)).sum()
        ),
        "far away the loss is δ (|r| - δ/2); without the δ/2 the two pieces do not meet": _with(
            loss=lambda r, delta: np.where(np.abs(r) <= delta, r * r / 2, delta * np.abs(r)).sum()
        ),
        "far away the loss is δ (|r| - δ/2): the absolute value is missing": _with(
            loss=lambda r, delta: np.where(np.abs(r) <= delta, r * r / 2, delta * (r - delta / 2)).sum()
        ),
        "near and far are told by |r|, not by r": _with(
            loss=lambda r, delta: np.where(r <= delta, r * r / 2, delta * (np.abs(r) - delta / 2)).sum()
        ),
        "the loss is that of squares everywhere; far away it is a line": _with(loss=lambda r, delta: (r * r / 2).sum()),
        "squares everywhere, in the loss and in the slope; far away the Huber loss is a line": _with(
            loss=lambda r, delta: (r * r / 2).sum(), slope=lambda r, delta: r
        ),
        "dtheta has the wrong sign: the residual is what the law says less what was measured": _with(turned=-1.0),
        "the loss is the sum over the runs; yours is their mean": _with(
            loss=lambda r, delta: _huber(r, delta) / len(r)
        ),
        "both are sums over the runs; you took means": _with(
            loss=lambda r, delta: _huber(r, delta) / len(r), end=lambda d: d.mean(axis=1)
        ),
        "dtheta is the sum over the runs; yours is their mean": _with(end=lambda d: d.mean(axis=1)),
        "dtheta has one number for each of the five: add up over the runs": _with(end=lambda d: d),
        "the loss is one number: add up over the runs": _with(
            loss=lambda r, delta: np.where(np.abs(r) <= delta, r * r / 2, delta * (np.abs(r) - delta / 2))
        ),
        "the order of dtheta is that of theta: log A, α, log B, β, log E": _reordered(0, 2, 4, 1, 3),
        "E is missing in the sum": _without_floor,
        "the last number of dtheta is by log E, so it has E as a factor": _of_E,
        "theta has the logarithms of A, B and E, and the gradients must be by these": _of_A_B_E,
        "the residual is one of logarithms; you compared the losses themselves": _in_losses,
    },
)

# --- 26.6 ---


def best_split(A, alpha, B, beta, products):
    return _split(A, alpha, B, beta, products)


def _split(A, alpha, B, beta, products, *, lead=None, power=None, root=None):
    lead = alpha * A / (beta * B) if lead is None else lead
    root = 1 / (alpha + beta) if root is None else root
    sizes = (lead * products ** (beta if power is None else power)) ** root
    return sizes, products / sizes


def _fitted(rng: np.random.Generator) -> Iterator[Case]:
    for count in (3, 1, 5, 2):
        alpha, beta = rng.uniform(0.3, 0.5), rng.uniform(0.6, 0.9)
        alpha, beta = (alpha, beta) if count % 2 else (beta, alpha)
        A, B = rng.uniform(2, 6), rng.uniform(8, 20)
        yield Case((A, alpha, B, beta, np.exp(rng.uniform(3, 9, count))))


def _changed(**parts):
    def wrong(A, alpha, B, beta, products):
        its = {name: part(A, alpha, B, beta, products) for name, part in parts.items()}
        return _split(A, alpha, B, beta, products, **its)

    return wrong


def _halves(A, alpha, B, beta, products):
    return products**0.5, products**0.5


add(
    "26.6",
    best_split,
    _fitted,
    outputs=("sizes", "images"),
    mistakes={
        "the power of the budget is β / (α + β) for the size: α and β are exchanged": _changed(
            power=lambda A, a, B, b, C: a
        ),
        "the factor is turned over: α A stands above, β B below": _changed(lead=lambda A, a, B, b, C: b * B / (a * A)),
        "the slopes of the two terms are equal, not the terms: α A over β B, not A over B": _changed(
            lead=lambda A, a, B, b, C: A / B
        ),
        "α and β come down, but A and B stay: α A over β B": _changed(lead=lambda A, a, B, b, C: a / b),
        "the factor α A / (β B) is missing": _changed(lead=lambda A, a, B, b, C: 1.0),
        "that is the power α + β of the size: its root is missing": _changed(root=lambda A, a, B, b, C: 1.0),
        "the root of order α + β is the power 1 / (α + β)": _changed(root=lambda A, a, B, b, C: a + b),
        "both as large as each other is the best only if the two terms are alike": _halves,
        "the order: first the sizes, then the images": lambda *arguments: _split(*arguments)[::-1],
        "images are the budget divided by the size": lambda *arguments: (
            _split(*arguments)[0],
            arguments[4] * _split(*arguments)[0],
        ),
        "images times sizes must give the budget": lambda A, a, B, b, C: (
            _split(A, a, B, b, C)[0],
            (a * A / (b * B) * C**a) ** (1 / (a + b)),
        ),
        "the root is that of α + β; you took α - β": _changed(root=lambda A, a, B, b, C: 1 / (a - b)),
        "the root goes over the factor, too, not over the budget alone": lambda A, a, B, b, C: (
            a * A / (b * B) * C ** (b / (a + b)),
            C / (a * A / (b * B) * C ** (b / (a + b))),
        ),
        "the exponents are α and β, without a root": lambda A, a, B, b, C: (C**b, C / C**b),
    },
)
