# mypy: disable-error-code="no-untyped-def"
"""Lesson 18, attention with many heads, from one head."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

SHAPES = ((2, 3, 5, 4), (1, 2, 7, 3), (3, 1, 4, 5), (5, 4, 2, 3), (2, 3, 1, 7), (1, 1, 6, 2))  # (B, h, N, d)


def _one_head(q, k, v):
    """Takes (B, N, d) alone, as the learner's own does."""
    if np.ndim(q) != 3:
        raise ValueError(f"one_head takes arrays (B, N, d), got one of shape {np.shape(q)}")
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return weights @ v, weights


# --- 18.1 ---


def many_heads(q, k, v, one_head):
    return _folded(q, k, v, one_head)


def _folded(q, k, v, one_head, *, axis=0):
    """All heads as one batch; `axis=1`: heads in front of images, so that their rows come back in another order."""
    B, h, N, d = q.shape
    rows = [x.reshape(B * h, N, d) for x in (q, k, v)]
    y, weights = one_head(*rows)
    if axis:
        y, weights = (x.reshape(h, B, N, -1).swapaxes(0, 1) for x in (y, weights))
    return y.reshape(B, h, N, d), weights.reshape(B, h, N, N)


def _mixed(q, k, v, one_head):
    """Reshaped from (B, h, N, d) to (B, h * N, d): all tokens of all heads in one row."""
    B, h, N, d = q.shape
    y, weights = one_head(*(x.reshape(B, h * N, d) for x in (q, k, v)))
    places = np.arange(h)
    return y.reshape(B, h, N, d), weights.reshape(B, h, N, h, N)[:, places, :, places].swapaxes(0, 1)


def _wide(q, k, v, one_head):
    """One head of h * d numbers."""
    B, h, N, d = q.shape
    y, weights = one_head(*(x.swapaxes(1, 2).reshape(B, N, h * d) for x in (q, k, v)))
    return y.reshape(B, N, h, d).swapaxes(1, 2), np.repeat(weights[:, None], h, axis=1)


def _of_the_first_head(q, k, v, one_head):
    q, k, v = (np.repeat(x[:, :1], x.shape[1], axis=1) for x in (q, k, v))
    return _folded(q, k, v, one_head)


def _heads_in_front(q, k, v, one_head):
    """Folded as (h, B), and cut as (B, h)."""
    B, h, N, d = q.shape
    y, weights = one_head(*(x.swapaxes(0, 1).reshape(h * B, N, d) for x in (q, k, v)))
    return y.reshape(B, h, N, d), weights.reshape(B, h, N, N)


def _wide_by_reshape(q, k, v, one_head):
    B, h, N, d = q.shape
    y, weights = one_head(*(x.reshape(B, N, h * d) for x in (q, k, v)))
    return y.reshape(B, h, N, d), np.repeat(weights[:, None], h, axis=1)


def _weights_first(q, k, v, one_head):
    B, h, N, d = q.shape
    weights, y = one_head(*(x.reshape(B * h, N, d) for x in (q, k, v)))
    return y.reshape(B, h, N, d), weights.reshape(B, h, N, N)


def _swapped(q, k, v, one_head):
    B, h, N, d = q.shape
    y, weights = one_head(*(x.swapaxes(1, 2).reshape(B * h, N, d) for x in (q, k, v)))
    return y.reshape(B, h, N, d), weights.reshape(B, h, N, N)


def _one_round(q, k, v, one_head):
    y, weights = _folded(q, k, v, one_head)
    first = np.arange(q.shape[1])[:, None, None] == 0
    return y * first, weights * first


def _heads_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        yield Case((*rng.standard_normal((3, *shape)), _one_head))


add(
    "18.1",
    many_heads,
    _heads_cases,
    outputs=("y", "weights"),
    mistakes={
        "the rows of y and weights were cut as (h, B): heads came second when they were folded, so (B, h)": (
            lambda q, k, v, one_head: _folded(q, k, v, one_head, axis=1)
        ),
        "heads and tokens were folded together, so tokens of one head look at those of another: fold B and h": _mixed,
        "that is one head as wide as all: each head has scores of its own": _wide,
        "the first head alone was used, for all": (lambda q, k, v, one_head: _of_the_first_head(q, k, v, one_head)),
        "only the head in front has results, the rest is 0: does the return stand inside the loop?": _one_round,
        "the first head alone was used; the others have scores of their own": (
            lambda q, k, v, one_head: one_head(q[:, 0], k[:, 0], v[:, 0])
        ),
        "rows were folded as (h, B), heads in front, and cut as (B, h): fold and cut in one order": _heads_in_front,
        "all numbers were reshaped to one wide head, which mixes tokens too: fold B and h": _wide_by_reshape,
        "heads and tokens were exchanged before the reshape; in (B, h, N, d) B and h are neighbours already": _swapped,
        "one_head returns y first, and then the weights": _weights_first,
        "the weights were averaged over the heads; asked are those of each head": lambda q, k, v, one_head: (
            _folded(q, k, v, one_head)[0],
            _folded(q, k, v, one_head)[1].mean(1),
        ),
        "y and weights came in the other order": lambda q, k, v, one_head: _folded(q, k, v, one_head)[::-1],
        "the arguments came in another order: one_head(q, k, v)": (
            lambda q, k, v, one_head: _folded(k, q, v, one_head)
        ),
        "keys and values were exchanged: one_head(q, k, v)": lambda q, k, v, one_head: _folded(q, v, k, one_head),
    },
)

# --- 18.2 ---


def split_heads_backward(dq, dk, dv):
    return _joined(dq, dk, dv)


def _joined(dq, dk, dv, *, order=(1, 3, 0, 2, 4)):
    B, h, N, d = dq.shape
    return np.stack([dq, dk, dv]).transpose(order).reshape(B, N, 3 * h * d)


def _each_reshaped(dq, dk, dv):
    return np.concatenate([d.reshape(len(d), d.shape[2], -1) for d in (dq, dk, dv)], axis=-1)


def _split_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape in SHAPES:
        yield Case(tuple(rng.standard_normal((3, *shape))))


add(
    "18.2",
    split_heads_backward,
    _split_cases,
    outputs=("dqkv",),
    mistakes={
        "the three are mixed head by head; in qkv all queries stand first, then all keys, then all values": (
            lambda dq, dk, dv: _joined(dq, dk, dv, order=(1, 3, 2, 0, 4))
        ),
        "reshape alone does not move an axis: tokens come before heads in qkv, so swap them first": (
            lambda dq, dk, dv: np.stack([dq, dk, dv]).swapaxes(0, 1).reshape(len(dq), dq.shape[2], -1)
        ),
        "each of the three was reshaped with heads in front of tokens: swap these two axes first": _each_reshaped,
        "that is the order of axes that split_heads has; the way back needs the one that undoes it": (
            lambda dq, dk, dv: _joined(dq, dk, dv, order=(2, 0, 3, 1, 4))
        ),
        "the three are mixed number by number: the new axis of the stack belongs in front of the heads": (
            lambda dq, dk, dv: _joined(dq, dk, dv, order=(1, 3, 2, 4, 0))
        ),
        "the three follow one another within a head's tokens; in qkv a token's row has queries, keys and values": (
            lambda dq, dk, dv: np.concatenate([dq, dk, dv], axis=2).reshape(len(dq), dq.shape[2], -1)
        ),
        "dq, dk and dv were added to one; each stands in a place of its own": (
            lambda dq, dk, dv: (dq + dk + dv).swapaxes(1, 2).reshape(len(dq), dq.shape[2], -1)
        ),
        "heads and their numbers changed places: the numbers of one head stand together": (
            lambda dq, dk, dv: _joined(dq, dk, dv, order=(1, 3, 0, 4, 2))
        ),
        "queries, keys and values came in another order; split_heads took them as q, k, v": (
            lambda dq, dk, dv: _joined(dk, dq, dv)
        ),
        "dq, dk and dv were added; each stands in a place of its own": (
            lambda dq, dk, dv: _joined(*[dq + dk + dv] * 3)
        ),
        "each of the three was divided or averaged; moving numbers does not change them": (
            lambda dq, dk, dv: _joined(dq, dk, dv) / 3
        ),
    },
)
