# mypy: disable-error-code="no-untyped-def"
"""Lesson 24, how much is forgotten, and which images are kept."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 24.1 ---


def average_and_forgetting(matrix):
    return _measured(matrix)


def _measured(matrix, *, best=lambda matrix: matrix[:-1].max(axis=0), average=lambda matrix: matrix[-1].mean()):
    return average(matrix), (best(matrix) - matrix[-1])[:-1].mean()


def _matrices(rng: np.random.Generator) -> Iterator[Case]:
    for tasks in (5, 2, 3, int(rng.integers(4, 8))):
        learned = np.tri(tasks, dtype=bool)
        yield Case((np.where(learned, rng.uniform(0.2, 1, (tasks, tasks)), rng.uniform(0, 0.1, (tasks, tasks))),))
    better = rng.uniform(0.2, 0.5, (4, 4))
    better[-1] = rng.uniform(0.6, 0.9, 4)  # some runs learn to do earlier tasks better
    yield Case((better,))


add(
    "24.1",
    average_and_forgetting,
    _matrices,
    outputs=("average", "forgetting"),
    mistakes={
        "the last task counts too; it was learned a moment ago and cannot be forgotten yet, so leave its column out": (
            lambda matrix: (matrix[-1].mean(), (matrix[:-1].max(axis=0) - matrix[-1]).mean())
        ),
        "the best of a task may come later than right after it: take the largest number of its column": (
            lambda matrix: _measured(matrix, best=np.diag)
        ),
        "the last row is among those of the best, so a task that got better counts as 0; the best is of earlier rows": (
            lambda matrix: _measured(matrix, best=lambda matrix: matrix.max(axis=0))
        ),
        "forgetting has the wrong sign: it is the best of earlier less what is left": (
            lambda matrix: (matrix[-1].mean(), -_measured(matrix)[1])
        ),
        "the average is taken over all rows; it is that of the last row, what is known at the end": (
            lambda matrix: _measured(matrix, average=np.mean)
        ),
        "rows and columns are exchanged: a row is a moment, a column is a task": lambda matrix: _measured(matrix.T),
        "the average leaves the last task out; only forgetting does": (
            lambda matrix: _measured(matrix, average=lambda matrix: matrix[-1, :-1].mean())
        ),
        "forgetting is divided by the number of tasks; only T - 1 of them can be forgotten": (
            lambda matrix: (matrix[-1].mean(), _measured(matrix)[1] * (len(matrix) - 1) / len(matrix))
        ),
        "the best of earlier is the largest number of all rows and tasks; take that of each column": (
            lambda matrix: _measured(matrix, best=lambda matrix: np.full(len(matrix), matrix[:-1].max()))
        ),
        "forgetting compares the mean of the earlier rows; take their largest": (
            lambda matrix: _measured(matrix, best=lambda matrix: matrix[:-1].mean(axis=0))
        ),
    },
    not_to_call=("forgetting", "average_accuracy"),
)

# --- 24.5 ---


def reservoir(count, capacity, draws):
    return _kept(count, capacity, draws)


def _kept(
    count,
    capacity,
    draws,
    *,
    place=lambda draws, image, capacity: draws[image],
    enters=lambda draw, capacity: draw < capacity,
):
    kept = [*range(min(count, capacity))]
    for image in range(capacity, count):
        if enters(draws[image], capacity):
            kept[place(draws, image, capacity)] = image
    return np.array(kept)


def _streams(rng: np.random.Generator) -> Iterator[Case]:
    for count, capacity in ((60, 7), (5, 5), (3, 8), (30, 1), (int(rng.integers(40, 90)), 12), (40, 9)):
        yield Case((count, capacity, rng.integers(0, np.arange(count) + 1)))
    yield Case((9, 3, np.array([0, 0, 1, 2, 3, 0, 3, 2, 1])))  # a draw that is just the capacity


def _grown(count, capacity, draws):
    return np.array([image for image in range(count) if image < capacity or draws[image] < capacity])


add(
    "24.5",
    reservoir,
    _streams,
    outputs=("kept",),
    mistakes={
        "these are the first images, and nothing came in after them: from then on the draw decides": (
            lambda count, capacity, draws: np.arange(min(count, capacity))
        ),
        "these are the last images: a new one enters only if its draw is below the capacity": (
            lambda count, capacity, draws: np.arange(count)[-capacity:]
        ),
        "every new image enters, so the latest are kept far too often; it enters only if its draw is below capacity": (
            lambda count, capacity, draws: _kept(
                count,
                capacity,
                draws,
                place=lambda draws, image, capacity: draws[image] % capacity,
                enters=lambda draw, capacity: True,
            )
        ),
        "the memory grew beyond its capacity: a new image takes the place of an old one": _grown,
        "the place that is given away is the draw itself, not the next in a row": (
            lambda count, capacity, draws: _kept(
                count, capacity, draws, place=lambda draws, image, capacity: image % capacity
            )
        ),
        "each image has the draw of its own number, draws[image], and the first ones have theirs too": (
            lambda count, capacity, draws: _kept(count, capacity, np.concatenate([draws[:capacity], draws]))
        ),
        "the last place is never given away: a draw of capacity - 1 is below the capacity, too": (
            lambda count, capacity, draws: _kept(
                count, capacity, draws, enters=lambda draw, capacity: draw < capacity - 1
            )
        ),
        "place 0 is never given away: a draw of 0 is one, too": (
            lambda count, capacity, draws: _kept(
                count, capacity, draws, enters=lambda draw, capacity: 0 < draw < capacity
            )
        ),
        "the last image is not looked at: range(count) ends with count - 1": (
            lambda count, capacity, draws: _kept(count, capacity, [*draws[:-1], count])
        ),
    },
)
