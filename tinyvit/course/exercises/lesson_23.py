# mypy: disable-error-code="no-untyped-def"
"""Lesson 23, a table of words, looked up and pulled, and attention that leaves padding out."""

from collections.abc import Iterator

import numpy as np

from ...backend import bincount
from ..exercise import Case, add

# --- 23.1 ---


def embedding_backward(dy, ids, num_rows):
    return _pulled(dy, ids, num_rows)


def _pulled(dy, ids, num_rows):
    dtable = np.zeros((num_rows, dy.shape[-1]))
    np.add.at(dtable, ids, dy)
    return dtable


def _last_wins(dy, ids, num_rows):
    dtable = np.zeros((num_rows, dy.shape[-1]))
    dtable[ids] += dy
    return dtable


def _first_wins(dy, ids, num_rows):
    dtable, D = np.zeros((num_rows, dy.shape[-1])), dy.shape[-1]
    used, first = np.unique(ids.reshape(-1), return_index=True)
    dtable[used] = dy.reshape(-1, D)[first]
    return dtable


def _counts(ids, num_rows):
    return bincount(ids.reshape(-1), minlength=num_rows)[:, None]


def _by_sentence(dy, ids, num_rows):
    """Added from one row of ids to the next, but not within one."""
    dtable = np.zeros((num_rows, dy.shape[-1]))
    for one, its in zip(ids, dy, strict=True):
        dtable[one] += its
    return dtable


def _flat(dy, ids, num_rows):
    return _pulled(dy.reshape(-1, dy.shape[-1]), ids, num_rows)


def _no_padding(dy, ids, num_rows):
    dtable = _pulled(dy, ids, num_rows)
    dtable[0] = 0
    return dtable


def _ids_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, V, D in (((9,), 6, 4), ((2, 7), 9, 3), ((1, 5), 7, 2), ((3, 2, 4), 5, 6), ((6, 1), 4, 1)):
        unused = rng.integers(1, V)
        ids = rng.choice(np.delete(np.arange(V), unused), shape)
        ids.flat[[0, 1, -1]] = [(unused + 1) % V, 0, (unused + 1) % V]  # row 0 is used, and one comes again
        yield Case((rng.standard_normal((*shape, D)), ids, V))
    ids = np.array([[3, 1, 3], [0, 3, 1]])  # nothing but small rows: the last ones of the table do not come
    yield Case((rng.standard_normal((2, 3, 5)), ids, int(rng.integers(6, 9))))


add(
    "23.1",
    embedding_backward,
    _ids_cases,
    outputs=("dtable",),
    mistakes={
        "of a word that comes several times only the last place is left: `=` and `+=` with an array of ids write each "
        "row once; np.add.at adds for every place": _last_wins,
        "of a word that comes several times only the first place is left; all its places add up": _first_wins,
        "from one row of ids to the next a word's places add up, but within a row only its last one is left": (
            _by_sentence
        ),
        "it was divided by how often the word comes; its places add up, and a mean is too small": (
            lambda dy, ids, num_rows: _pulled(dy, ids, num_rows) / np.maximum(_counts(ids, num_rows), 1)
        ),
        "every row has the sum of all of dy; a row is pulled only from places where its word stands": (
            lambda dy, ids, num_rows: np.tile(dy.reshape(-1, dy.shape[-1]).sum(axis=0), (num_rows, 1))
        ),
        "row 0 was left out; if 0 means no word, its dy is made 0 before, by who made the padding": _no_padding,
        "dy was not used: that is how often each word comes": (
            lambda dy, ids, num_rows: np.tile(1.0 * _counts(ids, num_rows), dy.shape[-1])
        ),
        "there is a row for each word that came; the table has num_rows, and those that did not come get 0": (
            lambda dy, ids, num_rows: _pulled(dy, ids, num_rows)[np.unique(ids)]
        ),
        "the table ends with the largest word that came; it has num_rows rows": (
            lambda dy, ids, num_rows: _pulled(dy, ids, int(ids.max()) + 1)
        ),
        "that is (D, V); a word is a row of the table": (lambda dy, ids, num_rows: _pulled(dy, ids, num_rows).T),
        "all numbers of dy at a word's places were added up; each column of dy is a sum of its own": (
            lambda dy, ids, num_rows: np.tile(_pulled(dy, ids, num_rows).sum(axis=1)[:, None], dy.shape[-1])
        ),
        "rows of dy and ids no longer belong together: ids was read down its columns, and dy row by row": (
            lambda dy, ids, num_rows: _flat(dy, ids.ravel(order="F"), num_rows)
        ),
        "reshape(D, -1).T mixes the rows of dy; reshape(-1, D) keeps them": (
            lambda dy, ids, num_rows: _flat(dy.reshape(dy.shape[-1], -1).T, ids.ravel(), num_rows)
        ),
        "only the first row of ids was counted; add up over all of its axes": (
            lambda dy, ids, num_rows: _pulled(dy[:1], ids[:1], num_rows)
        ),
        "that is the forward: it looks rows up, dy[ids]; the backward puts dy where they came from": (
            lambda dy, ids, num_rows: dy[ids]
        ),
    },
)

# --- 23.2 ---


def padded_softmax(scores, there):
    return _softmax(scores, there[:, None, None])


@np.errstate(all="ignore")
def _softmax(scores, mask, *, hidden=-np.inf, axis=-1, top=True, top_of_all=False, empty=0.0, full=1.0, divide=True):
    """`top`: what is taken off, each row's largest score (True), one for all rows ("one"), or nothing (False)."""
    kept = np.where(mask, scores, hidden)
    highest = (scores if top_of_all else kept).max(axis=axis, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, empty)
    highest = highest.max() if top == "one" else highest if top else 0.0
    exps = np.exp(kept - highest)
    total = exps.sum(axis=axis, keepdims=True)
    return exps / np.where(total == 0, full, total) if divide else exps


def _plain(scores):
    return _softmax(scores, True)


def _as_rows(scores, there):
    return _softmax(scores, there[:, None, :, None])


def _both(scores, there):
    return _softmax(scores, there[:, None, None, :] & there[:, None, :, None])


def _counted(there):
    """The first words of each sentence, as many as there are."""
    return np.arange(there.shape[1]) < there.sum(axis=1, keepdims=True)


def _lowered(scores, there, by):
    return _softmax(scores - by * ~there[:, None, None], True)


def _masks(rng: np.random.Generator, B: int, N: int) -> np.ndarray:
    """(B, N), some places there and some not in each row, and not all rows alike."""
    there = np.arange(N) < rng.integers(1, N, (B, 1))
    there[0] = rng.permutation(there[0])
    return there


def _scores_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, h, Q, N in ((2, 3, 5, 5), (1, 2, 4, 4), (3, 1, 2, 6), (4, 2, 3, 7), (2, 1, 6, 6)):
        yield Case((rng.standard_normal((B, h, Q, N)) * 2, _masks(rng, B, N)))
    scores = 900 + 20 * rng.standard_normal((2, 2, 3, 5))  # too large for exp, and padding has the largest
    scores[0, 1, 2] -= 4000  # each row has a largest of its own
    there = np.array([[True, True, False, False, False], [True, True, True, True, False]])
    yield Case((scores + 3000 * ~there[:, None, None], there))
    yield Case((rng.standard_normal((2, 1, 3, 4)) - 4000, _masks(rng, 2, 4)))  # far below any number made up for -inf
    yield Case((rng.standard_normal((3, 2, 4, 4)), np.array([[True] * 4, [False] * 4, [True, True, False, False]])))


add(
    "23.2",
    padded_softmax,
    _scores_cases,
    outputs=("weights",),
    mistakes={
        "padding still has weights: its score must be -np.inf before the softmax": (
            lambda scores, there: _plain(scores)
        ),
        "padding's scores became 0, and e^0 is 1: only -np.inf gives a weight of 0": (
            lambda scores, there: _plain(scores * there[:, None, None])
        ),
        "the weights of padding were taken away behind the softmax, so a row no longer adds up to 1": (
            lambda scores, there: _plain(scores) * there[:, None, None]
        ),
        "padding was kept from asking; it must not be asked: `there` belongs to the last axis of scores": _as_rows,
        "padding may ask, only be asked it must not: leave the axis of who asks, the last but one, alone": _both,
        "how many words there are does not say where: `there` may have gaps, so use it as it is": (
            lambda scores, there: _softmax(scores, _counted(there)[:, None, None])
        ),
        "where no word is there, -inf - -inf or 0 / 0 is NaN: such rows must be all 0": (
            lambda scores, there: _softmax(scores, there[:, None, None], empty=-np.inf, full=0.0)
        ),
        "where no word is there, all weights must be 0; a large negative number in place of -np.inf makes them equal": (
            lambda scores, there: _softmax(scores, there[:, None, None], hidden=-1e9)
        ),
        "where no word is there, all weights must be 0; what is taken off all scores of a row alike changes nothing": (
            lambda scores, there: _lowered(scores, there, 1e9)
        ),
        "-100 is not low enough: where words' scores are lower still, padding wins; -np.inf is below all": (
            lambda scores, there: _softmax(scores, there[:, None, None], hidden=-100.0) * there[:, None, None]
        ),
        "some of padding's scores were the largest yet, so what remains of the words is e to the -3000, 0: write "
        "-np.inf in their place, and take off the largest after that": (
            lambda scores, there: _softmax(scores, there[:, None, None], top_of_all=True)
        ),
        "one number was taken off all rows; where all scores lie far below it, exp gives 0: take off each row's own": (
            lambda scores, there: _softmax(scores, there[:, None, None], top="one")
        ),
        "a large score of padding makes the words' exponentials 0, and 0 / 0 is NaN: take off the largest of words": (
            lambda scores, there: _softmax(scores, there[:, None, None], top_of_all=True, full=0.0)
        ),
        "exp overflows for scores in the hundreds: take off each row's largest first": (
            lambda scores, there: _softmax(scores, there[:, None, None], top=False)
        ),
        "the mask is turned round: `there` is True for words": (
            lambda scores, there: _softmax(scores, ~there[:, None, None])
        ),
        "the softmax runs over who asks; a row adds up over the last axis, who is asked": (
            lambda scores, there: _softmax(scores, there[:, None, None], axis=-2)
        ),
        "the exponentials were not divided by their sum along the last axis": (
            lambda scores, there: _softmax(scores, there[:, None, None], divide=False)
        ),
    },
)
