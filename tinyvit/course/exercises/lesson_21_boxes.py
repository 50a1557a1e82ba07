# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, two losses of a detector and their gradients: generalised IoU, and focal loss."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 21.3 ---


def giou_backward(dloss, saved):
    return _edges(dloss, saved)


def giou_forward(boxes, target):
    low, high, target_low, target_high = boxes[:, :2], boxes[:, 2:], target[:, :2], target[:, 2:]
    inter = np.maximum(np.minimum(high, target_high) - np.maximum(low, target_low), 0)
    hull = np.maximum(high, target_high) - np.minimum(low, target_low)
    I, H = inter.prod(1), hull.prod(1)
    U = (high - low).prod(1) + (target_high - target_low).prod(1) - I
    return 2 - I / U - U / H, (boxes, target, inter, hull, I, U, H)


def _areas(I, U, H):
    """dA, dI, dH."""
    dU = I / U**2 - 1 / H
    return dU, -1 / U - dU, U / H**2


def _edges(
    dloss,
    saved,
    *,
    areas=_areas,
    other=lambda sides: sides[:, ::-1],
    touching=lambda inter: inter > 0,
    of_inter=lambda own, target: own > target,
    of_hull=lambda own, target: own < target,
    low_sign=-1,
):
    """The gradient, edge by edge; `of_inter` and `of_hull` say when a low edge is the box's own."""
    boxes, target, inter, hull, I, U, H = saved
    dA, dI, dH = (d[:, None] for d in areas(I, U, H))
    dside = dA * other(boxes[:, 2:] - boxes[:, :2])
    dinter = dI * other(inter) * touching(inter)
    dhull = dH * other(hull)
    low, high = (boxes[:, :2], target[:, :2]), (-boxes[:, 2:], -target[:, 2:])  # a high edge is a low one in a mirror
    dlow, dhigh = (dside + dinter * of_inter(*pair) + dhull * of_hull(*pair) for pair in (low, high))
    return dloss[:, None] * np.concatenate([low_sign * dlow, dhigh], axis=1)


def _other(**options):
    return lambda dloss, saved: _edges(dloss, saved, **options)


def _pairs_of_boxes(rng: np.random.Generator) -> Iterator[Case]:
    """Boxes that overlap, lie beside each other, are far apart, and in one another."""
    for R, apart, grown in (
        (7, (0, 0), 0),
        (1, (0, 0), 0),
        (4, (9, 0), 0),
        (3, (0, -9), 0),
        (2, (8, 9), 0),
        (3, (0, 0), 6),
    ):
        low, sides = rng.uniform(0, 3, (2, R, 2)), rng.uniform(2, 5, (2, R, 2))
        boxes, target = (np.concatenate([a, a + b], axis=1) for a, b in zip(low, sides, strict=True))
        boxes += [*apart, *apart]
        boxes[: R // 2] += grown * np.array([-1, -1, 1, 1])
        target[R // 2 :] += grown * np.array([-1, -1, 1, 1])
        _, saved = giou_forward(boxes, target)
        yield Case((rng.standard_normal(R), saved))


def _iou_alone(I, U, H):
    dU = I / U**2
    return dU, -1 / U - dU, 0 * H


add(
    "21.3",
    giou_backward,
    _pairs_of_boxes,
    outputs=("dboxes",),
    mistakes={
        "boxes that do not touch have an intersection of 0, which no edge moves: where a side of it is 0, so is the "
        "gradient": _other(touching=lambda inter: 1.0),
        "that is the gradient of 1 - IoU; the terms with H, the hull, are missing": _other(areas=_iou_alone),
        "dI has two terms: -1/U of its own, and -dU, for I is taken off in U": _other(
            areas=lambda I, U, H: (I / U**2 - 1 / H, -1 / U, U / H**2)
        ),
        "U = A + T - I falls as I grows, so dI is -1/U - dU": _other(
            areas=lambda I, U, H: (I / U**2 - 1 / H, -1 / U + I / U**2 - 1 / H, U / H**2)
        ),
        "dU has two terms, U is in I/U and in U/H: the -1/H is missing": _other(
            areas=lambda I, U, H: (I / U**2, -1 / U - I / U**2, U / H**2)
        ),
        "the area of the box itself is missing: dA = dU goes to its sides, too": _other(
            areas=lambda I, U, H: (0 * U, *_areas(I, U, H)[1:])
        ),
        "dH has the wrong sign: U/H is taken off, and falls as H grows, so dH = U / H**2": _other(
            areas=lambda I, U, H: (*_areas(I, U, H)[:2], -U / H**2)
        ),
        "dH is U / H**2: the square is missing": _other(areas=lambda I, U, H: (*_areas(I, U, H)[:2], U / H)),
        "the hull is missing: dH goes to the box's edges where they are the outer ones": _other(
            areas=lambda I, U, H: (*_areas(I, U, H)[:2], 0 * H)
        ),
        "the intersection is missing: dI goes to the box's edges where they are the inner ones": _other(
            areas=lambda I, U, H: (_areas(I, U, H)[0], 0 * I, _areas(I, U, H)[2])
        ),
        "that is the gradient of GIoU; the loss is 1 - GIoU: all signs turn": (
            lambda dloss, saved: -_edges(dloss, saved)
        ),
        "a side gets the area's gradient times the other side: width and height change places": _other(
            other=lambda sides: sides
        ),
        "low edges have the wrong sign: a side grows as its low edge sinks": _other(low_sign=1),
        "an edge of the intersection is the box's own only where it is the inner one; the target's has no gradient": (
            _other(of_inter=lambda own, target: 1.0)
        ),
        "an edge of the hull is the box's own only where it is the outer one; the target's has no gradient": (
            _other(of_hull=lambda own, target: 1.0)
        ),
        "inner and outer are exchanged: of two low edges the larger is the intersection's, the smaller the hull's": (
            _other(of_inter=lambda own, target: own < target, of_hull=lambda own, target: own > target)
        ),
        "dloss is missing: each row's gradient is multiplied by its own": (
            lambda dloss, saved: _edges(np.ones_like(dloss), saved)
        ),
    },
)  # fmt: skip

# --- 21.4 ---


def focal(logits, targets, alpha, gamma):
    return _losses(logits, targets, alpha, gamma)


def _losses(
    logits,
    targets,
    alpha,
    gamma,
    *,
    weight=lambda targets, alpha: np.where(targets, alpha, 1 - alpha),
    minus_log=lambda z: np.logaddexp(0, -z),
    factor=lambda p, q, gamma: q**gamma,
    slope=lambda p, q, s, gamma: -(q**gamma) * (gamma * p * s + q),
    back=lambda targets: np.where(targets, 1, -1),
    towards=lambda targets: np.where(targets, 1, -1),
):
    z = towards(targets) * logits
    q = 0.5 * (1 - np.tanh(z / 2))
    p, s, w = 1 - q, minus_log(z), weight(targets, alpha)
    return w * factor(p, q, gamma) * s, w * slope(p, q, s, gamma) * back(targets)


def _slip(**options):
    return lambda logits, targets, alpha, gamma: _losses(logits, targets, alpha, gamma, **options)


def _log_of_rounded(z):
    return -np.log(0.5 * (1 + np.tanh(z / 2)))


def _yes_or_no_cases(rng: np.random.Generator) -> Iterator[Case]:
    """In the last one a probability is rounded to 0."""
    for shape, alpha, gamma, far in (
        ((3, 4), 0.25, 2.0, 0),
        ((2, 3, 2), 0.5, 0.0, 0),
        ((7,), 0.7, 0.5, 1),
        ((1, 1), 0.25, 1.0, 0),
        ((4, 3), 0.1, 3.0, 0),
        ((6, 2), 0.4, 2.0, 800),
    ):
        logits, targets = rng.standard_normal(shape), rng.random(shape) < 0.4
        logits.flat[0], targets.flat[0] = -1.2, True
        logits.flat[-1], targets.flat[-1] = (-1.2, True) if targets.size == 1 else (1.3, False)
        yield Case((logits + far * np.sign(logits), targets, alpha, gamma))


add(
    "21.4",
    focal,
    _yes_or_no_cases,
    outputs=("losses", "dlogits"),
    mistakes={
        "log p was taken of a p that is rounded to 0; -log p is log(1 + exp(-z)), which np.logaddexp(0, -z) gives": (
            _slip(minus_log=_log_of_rounded)
        ),
        "the gradient treats q**gamma as a constant; it changes with z, too: the term gamma p s is missing": _slip(
            slope=lambda p, q, s, gamma: -(q ** (gamma + 1))
        ),
        "the gradient has the slope of q**gamma alone; that of s, which is -q, is missing": _slip(
            slope=lambda p, q, s, gamma: -(q**gamma) * gamma * p * s
        ),
        "dq/dz = -p q was forgotten: gamma q**(gamma - 1) must be multiplied by it": _slip(
            slope=lambda p, q, s, gamma: gamma * np.where(q > 0, q, 1) ** (gamma - 1) * s - q ** (gamma + 1)
        ),
        "dq/dz is -p q: the more p, the less q": _slip(slope=lambda p, q, s, gamma: q**gamma * (gamma * p * s - q)),
        "that is the gradient by z; where the target is no, z = -logit, and the sign turns once more": _slip(
            back=lambda targets: 1
        ),
        "all signs of the gradient are wrong: the loss falls as z grows": _slip(
            slope=lambda p, q, s, gamma: q**gamma * (gamma * p * s + q)
        ),
        "a no has the weight 1 - alpha": _slip(weight=lambda targets, alpha: alpha),
        "the weights are exchanged: alpha is for yes, 1 - alpha for no": _slip(
            weight=lambda targets, alpha: np.where(targets, 1 - alpha, alpha)
        ),
        "alpha is missing: a yes has the weight alpha, a no 1 - alpha": _slip(weight=lambda targets, alpha: 1.0),
        "p is the probability of the truth: where the target is no, z = -logit": _slip(
            towards=lambda targets: np.ones(targets.shape), back=lambda targets: 1
        ),
        "the factor is (1 - p)**gamma, small where the model is right; with p**gamma it is small where it is wrong": (
            _slip(
                factor=lambda p, q, gamma: p**gamma,
                slope=lambda p, q, s, gamma: p**gamma * (gamma * q * s - q),
            )
        ),
        "p and q are exchanged: p is the sigmoid of z, and q = 1 - p that of -z": _slip(
            factor=lambda p, q, gamma: p**gamma, slope=lambda p, q, s, gamma: -(p**gamma) * (gamma * q * s + p)
        ),
        "the losses are right without their factor: multiply by q**gamma": _slip(factor=lambda p, q, gamma: 1.0),
        "the sign of the losses: -log p is at least 0": _slip(factor=lambda p, q, gamma: -(q**gamma)),
    },
)  # fmt: skip
