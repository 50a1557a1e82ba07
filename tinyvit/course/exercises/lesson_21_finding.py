# mypy: disable-error-code="no-untyped-def"
"""Lesson 21, of many boxes those to keep: non-maximum suppression."""

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


def _all_of_them(overlaps, max_iou):
    return np.array(len(overlaps) > 0 and (overlaps > max_iou).all())


def _sum_of_them(overlaps, max_iou):
    return overlaps.sum() > max_iou


def _mean_of_them(overlaps, max_iou):
    return overlaps.sum() > max_iou * len(overlaps)


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
    several = np.eye(5)  # of two that are kept, the third and fourth overlap one too much; the last neither
    several[2:, :2] = [[0.9, 0.4], [0.9, 0.1], [0.4, 0.4]]
    places = rng.permutation(5)
    overlaps, scores = np.empty((5, 5)), np.empty(5)
    overlaps[np.ix_(places, places)] = np.maximum(several, several.T)
    scores[places] = np.linspace(0.9, 0.5, 5)
    yield Case((overlaps, scores, 0.6))


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
        "nothing is kept: each box was compared with itself, too, or .all() was asked, which is True of none": (
            lambda overlaps, scores, max_iou: (scores < 0)
        ),
        "a box was dropped only if all that are kept overlap it: one is enough, .any()": _other(too_much=_all_of_them),
        "the overlaps were added up; each is compared with max_iou by itself": _other(too_much=_sum_of_them),
        "the mean of the overlaps was taken; each is compared with max_iou by itself": _other(too_much=_mean_of_them),
        "each box pushed out all that overlap it, the surer ones, too; only those that are less sure": (
            lambda overlaps, scores, max_iou: ((overlaps > max_iou).sum(1) < 2)
        ),
        "only the surest box was looked at: does the return stand inside the loop?": (
            lambda overlaps, scores, max_iou: scores == scores.max()
        ),
        "all are kept: no box was compared with another": lambda overlaps, scores, max_iou: (scores > 0),
        "those are the boxes that are not kept": lambda overlaps, scores, max_iou: ~_kept(overlaps, scores, max_iou),
        "the answers stand in the order of the scores; put each back in its box's place": (
            lambda overlaps, scores, max_iou: _kept(overlaps, scores, max_iou)[np.argsort(-scores)]
        ),
        "those are the places of the boxes that are kept; asked for is True or False for each box": (
            lambda overlaps, scores, max_iou: np.flatnonzero(_kept(overlaps, scores, max_iou))
        ),
        "those are the places of the boxes that are kept, the surest first; asked for is True or False for each box": (
            lambda overlaps, scores, max_iou: [i for i in np.argsort(-scores) if _kept(overlaps, scores, max_iou)[i]]
        ),
    },
)  # fmt: skip
