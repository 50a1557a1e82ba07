# mypy: disable-error-code="no-untyped-def"
"""Lesson 8, many heads: cut apart and joined again."""

from collections.abc import Iterator

import numpy as np

from ..exercise import Case, add

# --- 8.2 ---


def split_heads(qkv, num_heads):
    return _three(qkv, num_heads)


def _three(qkv, num_heads):
    B, N, width = qkv.shape
    parts = qkv.reshape(B, N, 3, num_heads, width // (3 * num_heads))
    return _first_axis(parts.transpose(2, 0, 3, 1, 4))


def _first_axis(parts):
    return parts[0], parts[1], parts[2]


def _head_cases(rng: np.random.Generator) -> Iterator[tuple[int, int, int, int]]:
    """B, h, N, d, all different, so that every axis in the wrong place is seen."""
    yield 2, 3, 5, 4
    yield 3, 2, 4, 5
    yield 1, 3, 5, 4
    yield 2, 3, 1, 5
    yield 3, 1, 4, 2
    yield 2, 4, 3, 1
    B, h, N, d = rng.permutation([2, 3, 4, 5, 6, 7])[:4]
    yield int(B), int(h), int(N), int(d)


def _split_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, h, N, d in _head_cases(rng):
        yield Case((rng.standard_normal((B, N, 3 * h * d)), h))


def _dim_before_head(qkv, h):
    B, N, width = qkv.shape
    return _first_axis(qkv.reshape(B, N, 3, width // (3 * h), h).transpose(2, 0, 4, 1, 3))


def _head_before_kind(qkv, h):
    B, N, width = qkv.shape
    return _first_axis(qkv.reshape(B, N, h, 3, width // (3 * h)).transpose(3, 0, 2, 1, 4))


def _only_reshaped(qkv, h):
    B, N, _ = qkv.shape
    return tuple(part.reshape(B, h, N, -1) for part in np.split(qkv, 3, axis=-1))


def _reshaped_at_once(qkv, h):
    B, N, _ = qkv.shape
    return _first_axis(qkv.reshape(3, B, h, N, -1))


def _in_turns(qkv, h):
    return tuple(_three(np.concatenate([qkv[..., kind::3]] * 3, -1), h)[0] for kind in range(3))


def _heads_behind(qkv, h):
    return tuple(part.swapaxes(1, 2) for part in _three(qkv, h))


def _dim_in_front(qkv, h):
    return tuple(part.swapaxes(2, 3) for part in _three(qkv, h))


add(
    "8.2",
    split_heads,
    _split_cases,
    outputs=("q", "k", "v"),
    mistakes={
        "heads and head_dim are swapped in the reshape: a head's d numbers stand side by side, so the last axis is d": (
            _dim_before_head
        ),
        "3 and the heads are swapped in the reshape: first come all queries of all heads, then the keys, then the "
        "values": _head_before_kind,
        "you went to (B, h, N, d) with reshape alone; reshape to (B, N, h, d) first, then move the heads with swapaxes "
        "or transpose": _only_reshaped,
        "one reshape of everything does not move anything: the first axis of the memory is still the batch": (
            _reshaped_at_once
        ),
        "the heads stand behind the tokens; swap these two axes": _heads_behind,
        "d stands before the tokens; the order is (B, h, N, d)": _dim_in_front,
        "the order is q, k, v": lambda qkv, num_heads: _three(qkv, num_heads)[::-1],
        "q, k and v were taken in turns, every third number; first come all queries, then all keys, then all values": (
            _in_turns
        ),
    },
    not_to_call=("attention",),
)


# --- 8.3 ---


def join_heads(y):
    return _joined(y.swapaxes(1, 2))


def _joined(y):
    return y.reshape(*y.shape[:2], -1)


def _join_cases(rng: np.random.Generator) -> Iterator[Case]:
    for B, h, N, d in _head_cases(rng):
        yield Case((rng.standard_normal((B, h, N, d)),))


add(
    "8.3",
    join_heads,
    _join_cases,
    outputs=("joined",),
    mistakes={
        "you reshaped without moving the heads first; swap the axes of heads and tokens, then reshape": (
            lambda y: y.reshape(y.shape[0], y.shape[2], -1)
        ),
        "heads and head_dim are swapped: the d numbers of one head stand side by side": (
            lambda y: _joined(y.transpose(0, 2, 3, 1))
        ),
        "the heads were added up; they stand side by side, none is lost": lambda y: y.sum(1),
        "the heads were averaged; they stand side by side, none is lost": lambda y: y.mean(1),
        "the axes are in the right order, now join the last two with reshape": lambda y: y.swapaxes(1, 2),
        "you joined tokens and numbers; the heads are to be joined with their numbers": _joined,
        "only the first head is there; all stand side by side": lambda y: y[:, 0],
        "the heads stand behind each other, as more tokens; side by side they are more numbers of each token": (
            lambda y: np.concatenate(list(y.swapaxes(0, 1)), axis=1)
        ),
    },
    not_to_call=("attention",),
)
