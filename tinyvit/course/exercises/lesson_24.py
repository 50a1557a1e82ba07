# mypy: disable-error-code="no-untyped-def"
"""Lesson 24, how much is forgotten."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 24.1 ---


def average_and_forgetting(matrix):
    return _measured(matrix)


def _measured(matrix, *, best=lambda matrix: matrix[:-1].max(axis=0), average=lambda matrix: matrix[-1].mean()):
    return average(matrix), (best(matrix) - matrix[-1])[:-1].mean()


def _measured_by(lost):
    """The average, and what `lost` makes of the matrix."""
    return lambda matrix: (matrix[-1].mean(), lost(matrix))


def _since_learned(matrix):
    tasks = len(matrix)
    return np.mean([matrix[task : tasks - 1, task].max() - matrix[-1, task] for task in range(tasks - 1)])


def _along_rows(matrix):
    return (matrix[:-1].max(axis=1) - matrix[-1, :-1]).mean()


def _matrices(rng: np.random.Generator) -> Iterator[Case]:
    for tasks in (5, 2, 3, int(rng.integers(4, 8))):
        learned = np.tri(tasks, dtype=bool)
        yield Case((np.where(learned, rng.uniform(0.2, 1, (tasks, tasks)), rng.uniform(0, 0.1, (tasks, tasks))),))
    better = rng.uniform(0.2, 0.5, (4, 4))
    better[0, 1:] = rng.uniform(0.5, 0.6, 3)  # later tasks were done best before they were learned
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
        "the best of a task was looked for from the row on in which it was learned; it is that of all rows but the "
        "last, as another task may have helped": _measured_by(_since_learned),
        "the best of a task is the largest number of its column; max(1) goes along the rows": _measured_by(_along_rows),
        "that is backward transfer, what was lost since a task was learned, with the other sign; forgetting begins at "
        "the best of earlier rows": _measured_by(lambda matrix: (matrix[-1] - np.diag(matrix))[:-1].mean()),
        "what is lost was divided by the best; forgetting is a difference": _measured_by(
            lambda matrix: (1 - matrix[-1] / matrix[:-1].max(axis=0))[:-1].mean()
        ),
        "forgetting is a mean over the first T - 1 tasks; yours is their sum": _measured_by(
            lambda matrix: _measured(matrix)[1] * (len(matrix) - 1)
        ),
        "forgetting compares the last row with the one before it; the best of a task may be in any earlier one": (
            lambda matrix: _measured(matrix, best=lambda matrix: matrix[-2])
        ),
        "forgetting of the first task alone; take the mean over all but the last": _measured_by(
            lambda matrix: matrix[:-1, 0].max() - matrix[-1, 0]
        ),
        "these are percent; the numbers of the matrix are shares": lambda matrix: tuple(
            100 * number for number in _measured(matrix)
        ),
        "that is the mean over all moments of what was known then; the average accuracy is that of the last moment": (
            lambda matrix: _measured(
                matrix, average=lambda matrix: np.mean([row[: task + 1].mean() for task, row in enumerate(matrix)])
            )
        ),
        "forgetting compares the mean of the earlier rows; take their largest": (
            lambda matrix: _measured(matrix, best=lambda matrix: matrix[:-1].mean(axis=0))
        ),
    },
    not_to_call=("forgetting", "average_accuracy"),
)
