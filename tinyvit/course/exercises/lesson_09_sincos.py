# mypy: disable-error-code="no-untyped-def"
"""Lesson 9, the sine-cosine table."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 9.4 ---


def sincos2d(embed_dim, grid_size):
    return _table(embed_dim, grid_size)


def _table(
    embed_dim, grid_size, *,
    columns_first=True, start=0, sign=-1.0, order=(np.sin, np.cos), step=None, times=1.0,
):  # fmt: skip
    height, width = grid_size
    quarter = embed_dim // 4
    table = np.zeros((1, height * width, embed_dim))
    for place in range(height * width):
        row, column = divmod(place, width)
        hands = []
        for number in (column, row) if columns_first else (row, column):
            angles = (number + start) * 10000.0 ** (sign * np.arange(quarter) / (step or quarter)) * times
            hands += [function(angles) for function in order]
        table[0, place] = np.concatenate(hands)
    return table


def _interleaved(embed_dim, grid_size):
    halves = _table(embed_dim, grid_size).reshape(1, -1, 2, 2, embed_dim // 4)
    return halves.swapaxes(-1, -2).reshape(1, -1, embed_dim)


def _all_take_turns(embed_dim, grid_size):
    parts = _table(embed_dim, grid_size).reshape(1, -1, 4, embed_dim // 4)
    return parts.swapaxes(-1, -2).reshape(1, -1, embed_dim)


def _sines_first(embed_dim, grid_size):
    parts = _table(embed_dim, grid_size).reshape(1, -1, 4, embed_dim // 4)
    return parts[:, :, [0, 2, 1, 3]].reshape(1, -1, embed_dim)


def _down_the_columns(embed_dim, grid_size):
    height, width = grid_size
    table = _table(embed_dim, grid_size).reshape(height, width, embed_dim)
    return table.swapaxes(0, 1).reshape(1, height * width, embed_dim)


def _one_number_per_place(embed_dim, grid_size):
    height, width = grid_size
    return _table(embed_dim, (1, height * width))


def _only_columns(embed_dim, grid_size):
    table = _table(embed_dim, grid_size)
    half = embed_dim // 2
    return np.concatenate([table[..., :half], table[..., :half]], axis=-1)


def _up_to_one(embed_dim, grid_size):
    quarter = embed_dim // 4
    return _table(embed_dim, grid_size, step=max(quarter - 1, 1))


def _sincos_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((8, (2, 3)))
    yield Case((12, (4, 3)))
    yield Case((4, (1, 5)))
    yield Case((int(4 * rng.integers(2, 6)), (int(rng.integers(2, 5)), 5)))


add(
    "9.4",
    sincos2d,
    _sincos_cases,
    outputs=("table",),
    mistakes={
        "rows and columns are swapped: the first half of a position belongs to its column": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, columns_first=False)
        ),
        "sin and cos are swapped: the sines come first": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, order=(np.cos, np.sin))
        ),
        "sin and cos take turns; here all sines of a half stand together, and then all its cosines": _interleaved,
        "the four parts take turns; each part stands together, all its hands from fast to slow: use concatenate": (
            _all_take_turns
        ),
        "both sines stand before both cosines; the column comes first, with sines and cosines, then the row": (
            _sines_first
        ),
        "the places run down the columns; in reading order the column changes fastest (are tile and repeat swapped?)": (
            _down_the_columns
        ),
        "grid_size is (rows, columns): the first is the number of rows": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size[::-1])
        ),
        "brackets: i / (D/4) is not i / D / 4": lambda embed_dim, grid_size: _table(
            embed_dim, grid_size, step=4 * embed_dim
        ),
        "brackets: 10000 ** (i / (D/4)); without them, ** comes before /": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, step=1, times=embed_dim / 4)
        ),
        "brackets: 1 / (10000 ** (i / (D/4))); without them, ** comes before /": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, step=1, times=4 / embed_dim)
        ),
        "rows and columns are counted from 0, not from 1": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, start=1)
        ),
        "the clocks get faster from one to the next; divide by the power of 10000, do not multiply": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, sign=1.0)
        ),
        "the exponent is i / (D/4), not i / D: a quarter of the numbers is one set of clocks": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, step=embed_dim)
        ),
        "the exponent is i / (D/4), not i / (D/2): a quarter of the numbers is one set of clocks": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, step=embed_dim // 2)
        ),
        "the places were counted 0, 1, 2, ... through the whole grid; use the column and the row of each place": (
            _one_number_per_place
        ),
        "both halves come from the column; the second half belongs to the row": _only_columns,
        "the table needs a first axis of length 1, so that it fits a batch: (1, rows * columns, D)": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size)[0]
        ),
        "the last exponent is less than 1: i / (D/4), with i = 0, 1, ..., D/4 - 1": (_up_to_one),
        "no 2 π: the hand turns by ω at each step": (
            lambda embed_dim, grid_size: _table(embed_dim, grid_size, times=2 * np.pi)
        ),
    },
)
