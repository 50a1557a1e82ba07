# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, the gradient of generalised IoU."""

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
    signs=(-1, 1),
    of_the_hull=None,
    mirror=-1,
    measured=0,
):
    """The gradient, edge by edge; `of_inter` and `of_hull` say when a low edge is the box's own."""
    boxes, target, inter, hull, I, U, H = saved
    dA, dI, dH = (d[:, None] for d in areas(I, U, H))
    box = (boxes, target)[measured]
    dside = dA * other(box[:, 2:] - box[:, :2])
    dinter = dI * other(inter) * touching(inter)
    dhull = dH * (of_the_hull or other)(hull)
    low = boxes[:, :2], target[:, :2]
    high = mirror * boxes[:, 2:], mirror * target[:, 2:]  # a high edge is a low one in a mirror
    dlow, dhigh = (dside + dinter * of_inter(*pair) + dhull * of_hull(*pair) for pair in (low, high))
    return dloss[:, None] * np.concatenate([signs[0] * dlow, signs[1] * dhigh], axis=1)


def _inner_sides_grow(dloss, saved):
    area = _edges(dloss, saved, areas=lambda I, U, H: (_areas(I, U, H)[0], 0 * I, 0 * H))
    return (_edges(dloss, saved) - area) * [-1, -1, 1, 1] + area


def _read_in_pairs(dloss, saved):
    boxes, target, *rest = saved
    return _edges(dloss, (boxes[:, [0, 2, 1, 3]], target[:, [0, 2, 1, 3]], *rest))


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
        "low edges have the wrong sign: a side grows as its low edge sinks": _other(signs=(1, 1)),
        "an edge of the intersection is the box's own only where it is the inner one; the target's has no gradient": (
            _other(of_inter=lambda own, target: 1.0)
        ),
        "an edge of the hull is the box's own only where it is the outer one; the target's has no gradient": (
            _other(of_hull=lambda own, target: 1.0)
        ),
        "inner and outer are exchanged: of two low edges the larger is the intersection's, the smaller the hull's": (
            _other(of_inter=lambda own, target: own < target, of_hull=lambda own, target: own > target)
        ),
        "of low edges the area's part alone has a minus; those of the intersection and of the hull have one, too": (
            _inner_sides_grow
        ),
        "high edges have the wrong sign: a side grows with its high edge": _other(signs=(-1, -1)),
        "dU is I/U² - 1/H: U/H is taken off in the loss, so its part has a minus": _other(
            areas=lambda I, U, H: (I / U**2 + 1 / H, -1 / U - I / U**2 - 1 / H, U / H**2)
        ),
        "dU is I/U² - 1/H: -I/U grows with U, so its part has a plus": _other(
            areas=lambda I, U, H: (-I / U**2 - 1 / H, -1 / U + I / U**2 + 1 / H, U / H**2)
        ),
        "dI is -1/U - dU: I/U is taken off in the loss, so its part has a minus": _other(
            areas=lambda I, U, H: (I / U**2 - 1 / H, 1 / U - I / U**2 + 1 / H, U / H**2)
        ),
        "the high edges were compared as the low ones; of two high ones the smaller is the intersection's": _other(
            mirror=1
        ),
        "a side of the hull gets its area's gradient times the other side: width and height change places": _other(
            of_the_hull=lambda sides: sides
        ),
        "dA goes to the sides of the box times the box's own other side; those were the target's": _other(measured=1),
        "all edges got the gradients of the intersection and of the hull; each is one box's own": _other(
            of_inter=lambda own, target: 1.0, of_hull=lambda own, target: 1.0
        ),
        "the columns are x1, y1, x2, y2: both low edges first": (
            lambda dloss, saved: _edges(dloss, saved)[:, [0, 2, 1, 3]]
        ),
        "the columns were read as x1, x2, y1, y2; they are x1, y1, x2, y2: low edges are boxes[:, :2]": _read_in_pairs,
        "dloss is missing: each row's gradient is multiplied by its own": (
            lambda dloss, saved: _edges(np.ones_like(dloss), saved)
        ),
    },
)  # fmt: skip
