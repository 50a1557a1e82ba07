# mypy: disable-error-code="no-untyped-def"
"""Lesson 15, the second half of the ring."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 15.5 ---


def all_gather(pieces):
    return _gather(pieces)


def _gather(pieces, *, first=1, rounds=None, plus=False, back=1, to=1):
    state, workers = pieces.copy(), len(pieces)
    for step in range(workers - 1 if rounds is None else rounds(workers)):
        for rank in range(workers):
            piece, right = (rank + first - back * step) % workers, (rank + to) % workers
            state[right, piece] = state[rank, piece] + (state[right, piece] if plus else 0)
    return state


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for workers, m in ((2, 3), (3, 1), (4, 2), (5, 3), (1, 4), (int(rng.integers(3, 7)), 2)):
        yield Case((rng.standard_normal((workers, workers, m)),))


def _summed(pieces):
    return np.broadcast_to(pieces.sum(0), pieces.shape).copy()


add(
    "15.5",
    all_gather,
    _cases,
    outputs=("pieces",),
    mistakes={
        "pieces were added; they are complete already, so the right neighbour takes them as they are": (
            lambda pieces: _gather(pieces, plus=True)
        ),
        "each worker begins with the piece that is complete: worker r has piece r + 1, and not piece r": (
            lambda pieces: _gather(pieces, first=0)
        ),
        "each worker begins with the piece that is complete: worker r has piece r + 1, and not piece r - 1": (
            lambda pieces: _gather(pieces, first=-1)
        ),
        "the piece stays the same in all steps; in each step a worker passes on what it has just been given": (
            lambda pieces: _gather(pieces, back=0)
        ),
        "the pieces go the wrong way round: in step s, worker r passes on what it has just been given, r + 1 - s": (
            lambda pieces: _gather(pieces, back=-1)
        ),
        "the neighbour is the wrong one: pieces go to the right, to worker r + 1": lambda pieces: _gather(
            pieces, to=-1
        ),
        "one step too few: W - 1 are needed": lambda pieces: _gather(
            pieces, rounds=lambda workers: max(0, workers - 2)
        ),
        "nothing was added up in this half; every complete piece is there already, in one row": _summed,
    },
)
