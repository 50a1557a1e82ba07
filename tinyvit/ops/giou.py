"""Generalised IoU: how far boxes are from those they should be, also where the two do not touch.

    loss = Σ_r w_r (1 - GIoU_r),   GIoU = I / U - (H - U) / H

I is the area of the intersection of the two boxes, U that of their union, H that of their hull, the smallest box around
both. I / U, the IoU, is 0 for boxes that do not touch, however far apart they are, and has no slope there; the second
term, the empty share of the hull, still says where to go.
Source: Rezatofighi et al. 2019, "Generalized Intersection over Union", arXiv:1902.09630, algorithm 1.
"""

from typing import Any, NamedTuple

from ..backend import Array, array_module, is_host
from ..errors import UserError
from .floats import check_array, check_floats, check_shape, rounded, widened


class GIoUSaved(NamedTuple):
    boxes: Array  # (R, 4): x1 y1 x2 y2
    target: Array  # (R, 4)
    inter: Array  # (R, 2), sides of the intersection, 0 where the boxes do not touch
    hull: Array  # (R, 2), sides of the hull
    weights: Array | float  # (R, 1), or one number for all
    dtype: Any  # of the boxes


def giou_forward(boxes: Array, *, target: Array, weights: Array | None = None) -> tuple[Array, GIoUSaved]:
    """Boxes (R, 4), each x1 y1 x2 y2 -> the loss (0-d); of a pair, from 0 (the same box) to 2.

    Args:
        target: boxes (R, 4) with an area.
        weights: (R,), of the pairs; None for their mean.

    Raises:
        UserError: shapes are others, a box ends before it begins, or a target has no area.
    """
    check_floats("boxes", boxes)
    check_shape("boxes", boxes, ("R", 4))
    check_array("target", target)
    check_shape("target", target, boxes.shape)
    xp, dtype, boxes = array_module(boxes), boxes.dtype, widened(boxes)
    target = target.astype(boxes.dtype)
    if is_host(boxes):  # on a GPU, to look at them would make the host wait
        if (boxes[:, 2:] < boxes[:, :2]).any():
            raise UserError("a box ends before it begins: give boxes as x1 y1 x2 y2, with x1 <= x2 and y1 <= y2")
        if not (target[:, 2:] > target[:, :2]).all():
            raise UserError("a target box has no area: leave it out, or give boxes as x1 y1 x2 y2")
    row_weights: Array | float = 1.0 / max(1, len(boxes))
    if weights is not None:
        check_floats("weights", weights)
        check_shape("weights", weights, (len(boxes),))
        row_weights = weights.astype(boxes.dtype)[:, None]
    low, high = boxes[:, :2], boxes[:, 2:]
    target_low, target_high = target[:, :2], target[:, 2:]
    inter = xp.maximum(xp.minimum(high, target_high) - xp.maximum(low, target_low), 0.0)
    hull = xp.maximum(high, target_high) - xp.minimum(low, target_low)
    saved = GIoUSaved(boxes, target, inter, hull, row_weights, dtype)
    area_inter, union, area_hull = _areas(saved)
    loss = row_weights * (2.0 - area_inter / union - union / area_hull)  # 1 - GIoU
    return rounded(loss.sum(), dtype), saved


def giou_backward(dloss: Array | float, saved: GIoUSaved) -> Array:
    """0-d -> (R, 4).

    A loss of 2 - I/U - U/H with U = A + T - I, of which T, the target's area, is given. Through the areas:
        dA = dU = I/U² - 1/H,   dI = -1/U - dU,   dH = U/H².
    An area is a product of two sides, so each side gets the other times the area's gradient; and a side is the distance
    of two edges. Of the intersection and the hull an edge is the box's own or the target's, whichever decides; the
    gradient goes to the box where it is its own. Boxes that do not touch have no intersection to move: sides of 0.
    """
    boxes, target, inter, hull, weights, dtype = saved
    xp = array_module(boxes)
    low, high, target_low, target_high = boxes[:, :2], boxes[:, 2:], target[:, :2], target[:, 2:]
    area_inter, union, area_hull = _areas(saved)  # (R, 1) each
    dunion = area_inter / union**2 - 1.0 / area_hull
    dinter = (-1.0 / union - dunion) * inter[:, ::-1] * (inter > 0)  # of the sides (R, 2): the other side's length
    dhull = union / area_hull**2 * hull[:, ::-1]
    dside = dunion * (high - low)[:, ::-1]
    dlow = -dside - dinter * (low > target_low) - dhull * (low < target_low)  # a side grows as its low edge sinks
    dhigh = dside + dinter * (high < target_high) + dhull * (high > target_high)
    dboxes = xp.concatenate([dlow, dhigh], axis=1) * weights
    dboxes *= widened(dloss)
    return rounded(dboxes, dtype)


def _areas(saved: GIoUSaved) -> tuple[Array, Array, Array]:
    """Areas of the intersection, the union and the hull, (R, 1) each."""
    boxes, target, inter, hull, *_ = saved
    sides, target_sides = boxes[:, 2:] - boxes[:, :2], target[:, 2:] - target[:, :2]
    area_inter = inter[:, :1] * inter[:, 1:]
    union = sides[:, :1] * sides[:, 1:] + target_sides[:, :1] * target_sides[:, 1:] - area_inter
    return area_inter, union, hull[:, :1] * hull[:, 1:]
