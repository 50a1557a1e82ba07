# mypy: disable-error-code="no-untyped-def"
"""Lesson 8, attention backward without ever holding all weights."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 8.4 ---


def backward_in_pieces(dy, y, q, log_sums, pieces):
    return _in_pieces(dy, y, q, log_sums, pieces)


def _in_pieces(
    dy,
    y,
    q,
    log_sums,
    pieces,
    *,
    scaled=True,
    scaled_twice=True,
    rows=None,
    add_up=True,
    normalised=True,
    last=True,
    weighted=True,
):
    scale = 1 / np.sqrt(q.shape[1]) if scaled else 1.0
    after = scale if scaled_twice else 1.0
    dot = (dy * y).sum(-1, keepdims=True) if rows is None else rows
    dq, dk, dv = np.zeros_like(q), [], []
    for k, v in pieces[: None if last else -1]:
        weights = np.exp(q @ k.T * scale - log_sums[:, None])
        weights = weights if normalised else weights / weights.sum(-1, keepdims=True)
        dweights = dy @ v.T
        per_piece = (weights * dweights).sum(-1, keepdims=True)
        dscores = (weights if weighted else 1.0) * (
            dweights - (per_piece if rows == "piece" else dot if rows is None else 0.0)
        )
        dq = (dq if add_up else 0) + dscores @ k * after
        dk.append(dscores.T @ q * after)
        dv.append(weights.T @ dy)
    return dq, np.concatenate(dk), np.concatenate(dv)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for sizes, n, d in (((4, 4), 3, 3), ((1, 5, 2), 4, 4), ((7,), 2, 2), ((3, 1, 1, 6), 1, 5), ((2, 3), 5, 1)):
        for size in (1.0, 20.0):  # the scores of the larger ones overflow in exp
            pieces = tuple((size * rng.standard_normal((m, d)), rng.standard_normal((m, d))) for m in sizes)
            q, dy = size * rng.standard_normal((n, d)), rng.standard_normal((n, d))
            k, v = map(np.concatenate, zip(*pieces, strict=True))
            scores = q @ k.T / np.sqrt(d)
            top = scores.max(-1)
            log_sums = top + np.log(np.exp(scores - top[:, None]).sum(-1))
            yield Case((dy, np.exp(scores - log_sums[:, None]) @ v, q, log_sums, pieces))


def _divided_by_logarithm(dy, y, q, log_sums, pieces):
    with np.errstate(all="ignore"):  # log_sums - log(log_sums) takes the place of a division by it
        return _in_pieces(dy, y, q, np.log(log_sums), pieces)


def _as_lists(*given):
    dq, dk, dv = _in_pieces(*given)
    ends = np.cumsum([len(k) for k, _ in given[-1]])[:-1]
    return dq, np.split(dk, ends), np.split(dv, ends)


def _changed(**options):
    return lambda *given: _in_pieces(*given, **options)


add(
    "8.4",
    backward_in_pieces,
    _cases,
    outputs=("dq", "dk", "dv"),
    mistakes={
        "the sum over a row of weights * dweights was taken piece by piece; it is over all keys, and equals dy · y": (
            _changed(rows="piece")
        ),
        "softmax's backward subtracts something from dweights: dy · y of each row": _changed(rows=0.0),
        "the weights of a piece were made to add up to 1; `log_sums` is the sum over all pieces already": (
            _changed(normalised=False)
        ),
        "dq keeps the last piece's part; the parts of all pieces add up": _changed(add_up=False),
        "the scores were not divided by the root of d": _changed(scaled=False),
        "the way back from the scores to q and k passes the root of d, too": _changed(scaled_twice=False),
        "the last piece is missing": _changed(last=False),
        "dk and dv have changed places": lambda *given: (
            _in_pieces(*given)[0],
            _in_pieces(*given)[2],
            _in_pieces(*given)[1],
        ),
        "the factor weights in front is missing: dscores = weights * (dweights - ...)": _changed(weighted=False),
        "log_sums is a logarithm: subtract it inside exp, do not divide by it": _divided_by_logarithm,
        "dk and dv of all pieces belong in one array, one below the other: np.concatenate": _as_lists,
    },
)
