# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, how good a list of boxes is: average precision."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 21.6 ---


def average_precision(overlaps, scores, threshold):
    return _read_off(*_hits(overlaps, scores, threshold))


def _hits(
    overlaps,
    scores,
    threshold,
    *,
    order=lambda scores: np.argsort(-scores),
    enough=np.greater_equal,
    choose=lambda iou, left, threshold: np.where(left, iou, -1),
    takes=lambda hit: hit,
):
    """Right or wrong by falling score, and the number of true boxes."""
    left, hits = np.ones(overlaps.shape[1], bool), []
    for i in order(scores):
        best = choose(overlaps[i], left, threshold).argmax()
        hits.append(bool(left[best]) and bool(enough(overlaps[i, best], threshold)))
        left[best] &= not takes(hits[-1])
    return np.array(hits), len(left)


def _largest_from_here(precision):
    return np.maximum.accumulate(precision[::-1])[::-1]


def _read_off(
    hits,
    support,
    *,
    falling=_largest_from_here,
    points=101,
    behind=0.0,
    found=None,
    first=1,
    ranks=None,
    reached=False,
    side="left",
):
    right = np.cumsum(hits)
    precision = falling(right / (np.maximum(np.arange(first, len(hits) + first), 1) if ranks is None else ranks(hits)))
    recall = right / (support if found is None else found(hits))
    places = np.searchsorted(recall, np.linspace(0, 1, points), side=side)
    if reached:
        places = places[places < len(hits)]
    return np.append(precision, precision[-1] if behind is None else behind)[places].mean()


def _interpolated(**options):
    """A straight line between the places."""

    def function(overlaps, scores, threshold):
        hits, support = _hits(overlaps, scores, threshold)
        right = np.cumsum(hits)
        precision = _largest_from_here(right / np.arange(1, len(hits) + 1))
        return np.interp(np.linspace(0, 1, 101), right / support, precision, **options).mean()

    return function


def _chosen_by_true_boxes(overlaps, scores, threshold):
    best = overlaps.argmax(0)[overlaps.max(0) >= threshold]
    hits = np.isin(np.arange(len(scores)), best)
    return _read_off(hits[np.argsort(-scores)], overlaps.shape[1])


def _matched(**options):
    return lambda overlaps, scores, threshold: _read_off(*_hits(overlaps, scores, threshold, **options))


def _read(**options):
    return lambda overlaps, scores, threshold: _read_off(*_hits(overlaps, scores, threshold), **options)


def _again(overlaps, scores, threshold):
    """Each true box may be found by many."""
    order = np.argsort(-scores)
    hits = overlaps.max(1)[order] >= threshold
    return _read_off(hits, overlaps.shape[1])


def _under_the_curve(overlaps, scores, threshold):
    hits, support = _hits(overlaps, scores, threshold)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return (np.maximum.accumulate(precision[::-1])[::-1] * hits).sum() / support


def _at_hits(overlaps, scores, threshold):
    hits, support = _hits(overlaps, scores, threshold)
    return (np.cumsum(hits) / np.arange(1, len(hits) + 1) * hits).sum() / support


def _found_cases(rng: np.random.Generator) -> Iterator[Case]:
    """No recall but 0 and 1 is one of the 101, so that rounding decides nothing; one overlap is just the threshold."""
    for n, m, threshold in ((9, 3, 0.5), (14, 7, 0.75), (2, 1, 0.5), (24, 11, 0.5), (4, 7, 0.5)):
        overlaps = np.where(rng.random((n, m)) < 0.4, rng.uniform(0.3, 1, (n, m)), 0.0)
        scores = rng.uniform(0.05, 1, n)
        overlaps[scores.argmin()], overlaps[:, 0] = 0, 0  # the least sure finds nothing, and a true box is found late
        overlaps[scores.argsort()[n // 3], 0] = threshold
        if n > 4:
            first, second = scores.argsort()[[-2, -1]]
            overlaps[[first, second], 1:3] = [[0.9, 0.8], [0.95, 0.0]]  # the second surest wants what is taken
            overlaps[scores.argsort()[-3]] = 0
        yield Case((overlaps, scores, threshold))
    order = rng.permutation(7)  # the third finds the only true box, and takes it for good
    overlaps, scores = np.array([0.1, 0.2, 0.9, 0.8, 0.7, 0.6, 0.95]), np.linspace(0.9, 0.3, 7)
    yield Case((overlaps[order, None], scores[order], 0.5))


add(
    "21.6",
    average_precision,
    _found_cases,
    outputs=("AP",),
    mistakes={
        "a true box was found several times; who comes second has nothing left to find": _again,
        "a box whose best true one is taken may still find another that is left: mask those taken before argmax": (
            _matched(choose=lambda iou, left, threshold: iou)
        ),
        "a true box was taken by one that does not reach the threshold; only a hit takes it": _matched(
            takes=lambda hit: True
        ),
        "an IoU of just the threshold is a hit": _matched(enough=np.greater),
        "the order is wrong: the surest box comes first": _matched(order=np.argsort),
        "the boxes were taken as they stand; the surest comes first": _matched(
            order=lambda scores: np.arange(len(scores))
        ),
        "precision was not made to fall: each place takes the best precision from there on": (
            _read(falling=lambda precision: precision)
        ),
        "precision was made to rise, the largest up to here; asked is the largest from here on: turn it round first": (
            _read(falling=np.maximum.accumulate)
        ),
        "precision was turned round and not turned back: [::-1] once more": (
            _read(falling=lambda precision: np.maximum.accumulate(precision[::-1]))
        ),
        "precision is a share of the boxes so far, and not of all boxes": _read(ranks=len),
        "the boxes so far were counted from 0; behind the first box there is 1": _read(first=0),
        "a line was drawn between the places; take the first place whose recall is at least that": _interpolated(),
        "a line was drawn between the places; take the first whose recall is at least that, and 0 if none has it": (
            _interpolated(right=0)
        ),
        "the first place whose recall is at least that is asked for, and not one above it: side='left'": (
            _read(side="right")
        ),
        "recalls that are never reached were left out; they have the precision 0, and count": _read(reached=True),
        "each true box chose its best box; go through the boxes by falling score, and let each choose": (
            _chosen_by_true_boxes
        ),
        "a box took the first true one that reaches the threshold; it takes the one of the largest IoU": _matched(
            choose=lambda iou, left, threshold: left & (iou >= threshold)
        ),
        "recall is a share of the true boxes, and not of the hits: a true box that nobody found must cost something": (
            _read(found=lambda hits: max(1, hits.sum()))
        ),
        "recall is a share of the true boxes, and not of the boxes that were found": _read(found=len),
        "recalls that are never reached have the precision 0": _read(behind=None),
        "read off at 11 recalls, as PASCAL VOC did until 2009; COCO has 101": _read(points=11),
        "read off at 100 recalls; from 0 to 1 in steps of 0.01 they are 101": _read(points=100),
        "that is the area under the curve; COCO reads it off at 101 recalls and takes the mean": _under_the_curve,
        "that is the mean of the precision at each hit; make it fall, and read it off at 101 recalls": _at_hits,
        "that is the precision of all boxes; AP reads the whole curve": (
            lambda overlaps, scores, threshold: _hits(overlaps, scores, threshold)[0].mean()
        ),
        "that is the recall of all boxes; AP reads the whole curve": (
            lambda overlaps, scores, threshold: _hits(overlaps, scores, threshold)[0].sum() / overlaps.shape[1]
        ),
    },
)  # fmt: skip
