# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, of many boxes those to keep, and how good they are: non-maximum suppression, average precision."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 21.5 ---


def nms(overlaps, scores, max_iou):
    return _kept(overlaps, scores, max_iou)


def _kept(
    overlaps,
    scores,
    max_iou,
    *,
    order=lambda scores: np.argsort(-scores),
    too_much=np.greater,
    against=lambda kept, before: kept[before],
):
    """By falling score, a box is kept if it overlaps none too much of `against`, by default what is kept before it."""
    kept, seen = np.zeros(len(scores), bool), np.zeros(0, int)
    for i in order(scores):
        rivals = seen[against(kept, seen)]
        kept[i] = not too_much(overlaps[i, rivals], max_iou).any()
        seen = np.append(seen, i)
    return kept


def _other(**options):
    return lambda overlaps, scores, max_iou: _kept(overlaps, scores, max_iou, **options)


def _first_alone(kept, before):
    return np.arange(len(before)) < 1


def _last_alone(kept, before):
    return np.arange(len(before)) == len(before) - 1


def _overlaps_cases(rng: np.random.Generator) -> Iterator[Case]:
    """In the second, box 1 goes, which alone overlaps box 2; in the third, an overlap is just the limit."""
    chain = np.array([[1, 0.7, 0.1], [0.7, 1, 0.8], [0.1, 0.8, 1]])
    for n, max_iou in ((6, 0.6), (3, 0.5), (4, 0.5), (1, 0.4), (12, 0.7), (9, 0.8)):
        upper = np.triu(rng.uniform(0, 1, (n, n)), 1)
        overlaps, scores = upper + upper.T + np.eye(n), rng.uniform(0.1, 1, n)
        if n == 3:
            places = rng.permutation(n)
            overlaps[np.ix_(places, places)], scores[places] = chain, [0.9, 0.8, 0.7]
        if n == 4:
            overlaps = np.eye(n)
            overlaps[0, 2] = overlaps[2, 0] = max_iou
        yield Case((overlaps, scores, max_iou))


add(
    "21.5",
    nms,
    _overlaps_cases,
    outputs=("kept",),
    mistakes={
        "a box that is not kept still pushed others out; compare with those that are kept alone": _other(
            against=lambda kept, before: np.ones(len(before), bool)
        ),
        "the order is wrong: the surest box, with the highest score, comes first": _other(order=np.argsort),
        "the boxes were taken as they stand; the surest comes first: np.argsort(-scores)": _other(
            order=lambda scores: np.arange(len(scores))
        ),
        "np.argsort(scores)[::-1] or np.argsort(-scores), the order holds places, and not ranks": _other(
            order=lambda scores: np.argsort(np.argsort(-scores))
        ),
        "an overlap of just max_iou is not too much: only what is above it is": _other(too_much=np.greater_equal),
        "the comparison is turned round: those that overlap by more than max_iou are not kept": _other(
            too_much=np.less
        ),
        "each box was compared with the surest alone; compare it with all that are kept": _other(
            against=_first_alone
        ),
        "each box was compared with the one before it alone; compare it with all that are kept": _other(
            against=_last_alone
        ),
        "nothing is kept: each box was compared with itself, too": lambda overlaps, scores, max_iou: (scores < 0),
        "all are kept: no box was compared with another": lambda overlaps, scores, max_iou: (scores > 0),
        "those are the boxes that are not kept": lambda overlaps, scores, max_iou: ~_kept(overlaps, scores, max_iou),
        "the answers stand in the order of the scores; put each back in its box's place": (
            lambda overlaps, scores, max_iou: _kept(overlaps, scores, max_iou)[np.argsort(-scores)]
        ),
        "those are the places of the boxes that are kept; asked for is True or False for each box": (
            lambda overlaps, scores, max_iou: np.flatnonzero(_kept(overlaps, scores, max_iou))
        ),
    },
)  # fmt: skip

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
    choose=lambda iou, left: np.where(left, iou, -1),
    takes=lambda hit: hit,
):
    """Right or wrong by falling score, and the number of true boxes."""
    left, hits = np.ones(overlaps.shape[1], bool), []
    for i in order(scores):
        best = choose(overlaps[i], left).argmax()
        hits.append(bool(left[best]) and bool(enough(overlaps[i, best], threshold)))
        left[best] &= not takes(hits[-1])
    return np.array(hits), len(left)


def _read_off(hits, support, *, falling=True, points=101, behind=0.0, found=None):
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    if falling:
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = right / (support if found is None else found(hits))
    places = np.searchsorted(recall, np.linspace(0, 1, points))
    return np.append(precision, precision[-1] if behind is None else behind)[places].mean()


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
            _matched(choose=lambda iou, left: iou)
        ),
        "a true box was taken by one that does not reach the threshold; only a hit takes it": _matched(
            takes=lambda hit: True
        ),
        "an IoU of just the threshold is a hit": _matched(enough=np.greater),
        "the order is wrong: the surest box comes first": _matched(order=np.argsort),
        "the boxes were taken as they stand; the surest comes first": _matched(
            order=lambda scores: np.arange(len(scores))
        ),
        "precision was not made to fall: each place takes the best precision from there on": _read(falling=False),
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
