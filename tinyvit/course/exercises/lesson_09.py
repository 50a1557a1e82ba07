# mypy: disable-error-code="no-untyped-def"
"""Lesson 9, tokens and positions."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 9.1 ---


def prepend_tokens_forward(x, tokens):
    return _in_front(x, tokens), tokens.shape[1]


def _in_front(x, tokens):
    return np.concatenate([np.repeat(tokens, len(x), axis=0), x], axis=1)


def _forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, L, D, T in ((2, 5, 3, 1), (3, 4, 7, 2), (*rng.integers(2, 6, 3), 3)):
        yield Case((rng.standard_normal((B, L + 1, D)), rng.standard_normal((1, T, D))))


add(
    "9.1",
    prepend_tokens_forward,
    _forward_cases,
    outputs=("y", "T"),
    mistakes={
        "the new tokens stand behind the patches; they go in front": (
            lambda x, tokens: (np.concatenate([x, np.repeat(tokens, len(x), axis=0)], axis=1), tokens.shape[1])
        ),
        "the new tokens were added to the patches; they are rows of their own, so use concatenate": (
            lambda x, tokens: (x + tokens, tokens.shape[1])
        ),
        "the new tokens took the place of the first patches; all patches must stay, behind them": (
            lambda x, tokens: (_in_front(x[:, tokens.shape[1] :], tokens), tokens.shape[1])
        ),
        "the new rows are zeros; the learned tokens belong there": (
            lambda x, tokens: (_in_front(x, np.zeros_like(tokens)), tokens.shape[1])
        ),
        "np.concatenate does not stretch: tokens has one image, x has B, so repeat the tokens B times first": (
            lambda x, tokens: np.concatenate([tokens, x], axis=1)
        ),
        "the axis is missing: without axis=1, np.concatenate puts images behind images": (
            lambda x, tokens: np.concatenate([np.repeat(tokens, len(x), axis=0), x])
        ),
        "the second thing to return is their number, T, and not the tokens": (
            lambda x, tokens: (_in_front(x, tokens), tokens)
        ),
        "T is not always 1: axis 1 counts the tokens, tokens.shape[1]": lambda x, tokens: (_in_front(x, tokens), 1),
        "the second thing to return is the number of new tokens, T, and not the number of patches": (
            lambda x, tokens: (_in_front(x, tokens), x.shape[1])
        ),
        "the second thing to return is the number of new tokens, T, and not of all tokens": (
            lambda x, tokens: (_in_front(x, tokens), tokens.shape[1] + x.shape[1])
        ),
    },
)


# --- 9.2 ---


def prepend_tokens_backward(dy, T):
    return dy[:, T:].copy(), dy[:, :T].sum(0, keepdims=True)


def _backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in _forward_cases(rng):
        y, T = prepend_tokens_forward(*case.arguments)
        yield Case((rng.standard_normal(y.shape), T))


add(
    "9.2",
    prepend_tokens_backward,
    _backward_cases,
    outputs=("dx", "dtokens"),
    mistakes={
        "dtokens is averaged over the images; gradients of what is shared add up": (
            lambda dy, T: (dy[:, T:], dy[:, :T].mean(0, keepdims=True))
        ),
        "you cut behind the first row; T rows were put in front": (
            lambda dy, T: (dy[:, 1:], dy[:, :1].sum(0, keepdims=True))
        ),
        "dtokens is not summed over the images: all of them share the same tokens": (
            lambda dy, T: (dy[:, T:], dy[:, :T])
        ),
        "dtokens is that of the first image only: all images share the tokens, so add theirs up": (
            lambda dy, T: (dy[:, T:], dy[:1, :T])
        ),
        "dtokens lost its first axis: tokens are (1, T, D), and so is their gradient; keepdims=True keeps it": (
            lambda dy, T: (dy[:, T:], dy[:, :T].sum(0))
        ),
        "the tokens were looked for behind the patches; they stand in front": (
            lambda dy, T: (dy[:, :-T], dy[:, -T:].sum(0, keepdims=True))
        ),
        "dx still has the rows of the new tokens; only the patches' rows go back to the patches": (
            lambda dy, T: (dy.copy(), dy[:, :T].sum(0, keepdims=True))
        ),
    },
)


# --- 9.3 ---


def add_position_backward(dy, saved):
    return dy.copy(), dy.sum(0, keepdims=True)


def _position_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((2, 3, 5), (3, 7, 4), tuple(rng.integers(2, 6, 3))):
        yield Case((rng.standard_normal(shape), ()))


add(
    "9.3",
    add_position_backward,
    _position_cases,
    outputs=("dx", "dpos_embed"),
    mistakes={
        "dpos_embed is averaged over the images; gradients of what is shared add up": (
            lambda dy, saved: (dy, dy.mean(0, keepdims=True))
        ),
        "dpos_embed is not summed over the images: all of them share one table": lambda dy, saved: (dy, dy),
        "dpos_embed is that of the first image only: all images share the table, so add theirs up": (
            lambda dy, saved: (dy, dy[:1])
        ),
        "dpos_embed lost its first axis: the table is (1, N, D), and so is its gradient; keepdims=True keeps it": (
            lambda dy, saved: (dy, dy.sum(0))
        ),
        "dpos_embed is summed over the places; every place has its own position, the images share it": (
            lambda dy, saved: (dy, dy.sum(1, keepdims=True))
        ),
        "dx is summed too; every image has its own tokens, so dx is dy as it is": (
            lambda dy, saved: (np.repeat(dy.sum(0, keepdims=True), len(dy), axis=0), dy.sum(0, keepdims=True))
        ),
    },
)


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


def _sincos_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((8, (2, 3)))
    yield Case((12, (4, 3)))
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
    },
)
