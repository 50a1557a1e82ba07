# mypy: disable-error-code="no-untyped-def"
"""Lesson 7, attention without ever holding all scores."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 7.2 ---


def attention_in_pieces(q, pieces):
    return _in_pieces(q, pieces)


def _in_pieces(q, pieces, *, rescale_total=True, rescale_y=True, divide=True, scale=None, first_top=False, top=-np.inf):
    total, y = 0.0, np.zeros_like(pieces[0][1][0])
    for k, v in pieces:
        scores = k @ q / (np.sqrt(len(q)) if scale is None else scale)
        new = max(top, scores.max())
        new = scores.max() if first_top and top == -np.inf else top if first_top else new
        old, shares = np.exp(top - new), np.exp(scores - new)
        total = total * (old if rescale_total else 1.0) + shares.sum()
        y = y * (old if rescale_y else 1.0) + shares @ v
        top = new
    return y / total if divide else y


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for sizes, d in (((4, 4), 3), ((1, 5, 2), 4), ((7,), 2), ((3, 1, 1, 6), int(rng.integers(2, 6))), ((2, 2), 1)):
        for size in (1.0, 30.0):  # the scores of the larger ones overflow in exp
            pieces = [(size * rng.standard_normal((n, d)), rng.standard_normal((n, d))) for n in sizes]
            yield Case((size * rng.standard_normal(d), tuple(pieces)))
    rising = [(np.full((2, 2), 400.0 * n), rng.standard_normal((2, 2))) for n in (1, 2, 3)]
    yield Case((np.ones(2), tuple(rising)))
    yield Case((np.ones(2), tuple(reversed(rising))))
    yield Case((-3 * np.ones(2), tuple(rising)))  # all scores far below 0


def _softmax(scores):
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()


def _mean_of_pieces(q, pieces):
    return np.mean([_softmax(k @ q / np.sqrt(len(q))) @ v for k, v in pieces], axis=0)


def _sum_of_pieces(q, pieces):
    return np.sum([_softmax(k @ q / np.sqrt(len(q))) @ v for k, v in pieces], axis=0)


def _no_shift(q, pieces):
    shares = [np.exp(k @ q / np.sqrt(len(q))) for k, _ in pieces]
    return sum(share @ v for share, (_, v) in zip(shares, pieces, strict=True)) / sum(share.sum() for share in shares)


def _divided_at_once(q, pieces):
    top, total, y = -np.inf, 0.0, np.zeros_like(q)
    for k, v in pieces:
        scores = k @ q / np.sqrt(len(q))
        old, top = top, max(top, scores.max())
        total = total * np.exp(old - top) + np.exp(scores - top).sum()
        y = (y * np.exp(old - top) + np.exp(scores - top) @ v) / total
    return y


add(
    "7.2",
    attention_in_pieces,
    _cases,
    outputs=("y",),
    mistakes={
        "each piece was given a softmax of its own, and the results averaged; a piece with large scores counts more": (
            _mean_of_pieces
        ),
        "each piece was given a softmax of its own, and the results added up; all the weights together must be 1": (
            _sum_of_pieces
        ),
        "exp of the scores overflows: take the largest score so far off first": _no_shift,
        "when a larger score comes, total and y must both shrink, by exp(old largest - new)": (
            lambda q, pieces: _in_pieces(q, pieces, rescale_total=False, rescale_y=False)
        ),
        "total shrinks when a larger score comes, but y must shrink, too": (
            lambda q, pieces: _in_pieces(q, pieces, rescale_y=False)
        ),
        "y shrinks when a larger score comes, but total must shrink, too": (
            lambda q, pieces: _in_pieces(q, pieces, rescale_total=False)
        ),
        "at the end y must be divided by the total": lambda q, pieces: _in_pieces(q, pieces, divide=False),
        "the scores are divided by the square root of d": lambda q, pieces: _in_pieces(q, pieces, scale=1.0),
        "the largest score of the first piece is not the largest of all: later pieces may overflow": (
            lambda q, pieces: _in_pieces(q, pieces, first_top=True)
        ),
        "begin with -np.inf as the largest, not with 0: where all scores are far below 0, exp gives 0 everywhere": (
            lambda q, pieces: _in_pieces(q, pieces, top=0.0)
        ),
        "only the first piece is there: does the return stand inside the loop?": (
            lambda q, pieces: _in_pieces(q, pieces[:1])
        ),
        "only the last piece is there; what the pieces give must be added up": lambda q, pieces: _in_pieces(
            q, pieces[-1:]
        ),
        "y was divided by the total in each round; divide once, at the end": _divided_at_once,
        "the scores were divided by d; it is the square root of d": lambda q, pieces: _in_pieces(
            q, pieces, scale=len(q)
        ),
    },
)
